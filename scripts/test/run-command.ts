import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
/** After the polite signal: what Playwright and Vitest need at most to stop what they started. */
const GRACE_MS = 20_000

export type Finished = {
  /** null when a signal ended it. */
  code: number | null
  timedOut: boolean
  /** Standard output and error, in the order they came; empty when shown as it runs. */
  output: string
}

/**
 * Runs an executable of `node_modules/.bin` in the repository's root, in a process group of its own that is ended as a whole:
 * when `timeoutMs` is over, or when `signal` aborts. With `show`, its output is shown as it comes.
 */
export async function runCommand(
  [command = '', ...args]: string[],
  options: { timeoutMs: number; show: boolean; signal: AbortSignal; env?: Record<string, string> },
): Promise<Finished> {
  const bin = join(ROOT, 'node_modules', '.bin')
  const child = spawn(join(bin, command), args, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
    env: { ...process.env, ...options.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  let timedOut = false
  let killTimer: NodeJS.Timeout | undefined
  const end = () => {
    signalGroup(child.pid, 'SIGINT')
    killTimer ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), GRACE_MS)
  }
  const timer = setTimeout(() => {
    timedOut = true
    end()
  }, options.timeoutMs)
  options.signal.addEventListener('abort', end, { once: true })
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    return { code, timedOut, output }
  } finally {
    clearTimeout(timer)
    clearTimeout(killTimer)
    options.signal.removeEventListener('abort', end)
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is gone already.
  }
}
