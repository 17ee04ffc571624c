import { performance } from 'node:perf_hooks'

/** Where a start tells how far it is. Steps may overlap. */
export type Progress = {
  /** A step begins; call the answer when it is done. */
  step: (name: string) => () => void
  /** Something worth knowing in between. */
  line: (text: string) => void
  /** Something wrong that does not end the run: a crashed process, an error in a log. */
  problem: (text: string) => void
  /** Steps under way will not be done any more. */
  giveUp: () => void
}

/** Progress as plain lines, for logs, tests and pipes: "Postgres: 0.4 s". */
export function plainProgress(
  write: (line: string) => void,
  complain: (line: string) => void = write,
): Progress {
  return {
    step(name) {
      const startedAt = performance.now()
      return () => write(`${name}: ${seconds(performance.now() - startedAt)}`)
    },
    line: write,
    problem: complain,
    giveUp: () => undefined,
  }
}

/** Progress on a terminal: one line per step, with a mark and its time, rewritten when the step is done. */
export function terminalProgress(output: NodeJS.WriteStream, problems: NodeJS.WriteStream): Progress {
  const open: string[] = []
  const [dim, green, red, plain] = process.env.NO_COLOR
    ? ['', '', '', '']
    : ['\u001b[2m', '\u001b[32m', '\u001b[31m', '\u001b[0m']
  const clear = () => output.write('\r\u001b[2K')
  const redraw = () => {
    const name = open.at(-1)
    if (name) output.write(`${dim}… ${name}${plain}`)
  }
  const print = (stream: NodeJS.WriteStream, text: string) => {
    clear()
    stream.write(`${text}\n`)
    redraw()
  }
  return {
    step(name) {
      const startedAt = performance.now()
      open.push(name)
      clear()
      redraw()
      return () => {
        if (!open.includes(name)) return
        open.splice(open.indexOf(name), 1)
        print(output, `${green}✓${plain} ${name} ${dim}${seconds(performance.now() - startedAt)}${plain}`)
      }
    },
    line: (text) => print(output, `  ${text}`),
    problem: (text) => print(problems, `${red}!${plain} ${text}`),
    giveUp() {
      open.length = 0
      clear()
    },
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
