import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'

const READY_MS = 60_000

export interface Child {
  pid: number
  stop(): Promise<void>
}

/** Starts a program and waits for its first line of JSON. Its errors go to `logFile`. Throws when it ends before. */
export async function startProgram<Ready>(
  args: string[],
  options: { logFile: string; env?: NodeJS.ProcessEnv },
): Promise<Child & { ready: Ready }> {
  const child = start(args, options)
  if (child.stdout === null) throw new Error('No stdout.')
  const lines = createInterface({ input: child.stdout })
  const [line] = await Promise.race([
    once(lines, 'line', { signal: AbortSignal.timeout(READY_MS) }),
    once(child, 'exit').then(() => {
      throw new Error(`${args[0]} ended at once, see ${options.logFile}.`)
    }),
  ])
  lines.on('line', () => {})
  return {
    ...handleOf(child),
    ready: JSON.parse(String(line)) as Ready,
  }
}

/** Starts a program that serves HTTP at `port` and waits until something answers there. */
export async function startServer(
  args: string[],
  options: { port: number; logFile: string; env?: NodeJS.ProcessEnv; path?: string },
): Promise<Child & { ask: <Answer>() => Promise<Answer> }> {
  const child = start(args, options)
  const handle = { ...handleOf(child), ask: <Answer>() => askOf<Answer>(child) }
  child.stdout?.on('data', () => {})
  const deadline = Date.now() + READY_MS
  for (;;) {
    const url = `http://127.0.0.1:${options.port}${options.path ?? '/'}`
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => null)
    await answer?.body?.cancel()
    if (answer !== null) return handle
    if (child.exitCode !== null || Date.now() > deadline) {
      await handle.stop()
      throw new Error(`${args[0]} does not answer at ${url}, see ${options.logFile}.`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Sends an empty line and answers the next line that begins as its answer does. */
async function askOf<Answer>(child: ChildProcess): Promise<Answer> {
  if (child.stdout === null) throw new Error('No stdout.')
  let text = ''
  const onData = (chunk: Buffer) => (text += chunk.toString())
  child.stdout.on('data', onData)
  child.stdin?.write('\n')
  try {
    for (const deadline = Date.now() + READY_MS; Date.now() < deadline; ) {
      const line = text.split('\n').find((one) => one.startsWith('{"memory"') && one.endsWith('}'))
      if (line !== undefined) return JSON.parse(line) as Answer
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error('It does not tell.')
  } finally {
    child.stdout.off('data', onData)
  }
}

function start(args: string[], options: { logFile: string; env?: NodeJS.ProcessEnv }): ChildProcess {
  const child = spawn(process.execPath, args, {
    env: options.env ?? { NODE_ENV: 'production', PATH: process.env.PATH, HOME: process.env.HOME },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stderr?.pipe(createWriteStream(options.logFile, { flags: 'a' }))
  return child
}

function handleOf(child: ChildProcess): Child {
  const exited = once(child, 'exit')
  return {
    pid: child.pid ?? 0,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
      await exited
      clearTimeout(timer)
    },
  }
}
