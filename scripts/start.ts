import { fileURLToPath } from 'node:url'
import { homePaths } from './start/home.ts'
import { readOptions, USAGE } from './start/options.ts'
import { plainProgress, terminalProgress } from './start/progress.ts'
import { startToolberth } from './start/supervisor.ts'
import { StartError } from './start-error.ts'

// A closed terminal or pipe must not end the supervisor before its processes.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

/** npm passes on the Ctrl-C that the terminal has delivered already: two signals so close are one key. */
const SAME_KEY_MS = 700
const root = fileURLToPath(new URL('..', import.meta.url))
const print = (line: string) => process.stdout.write(`${line}\n`)
const complain = (line: string) => process.stderr.write(`${line}\n`)

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env, root)
  if (options === 'help') {
    print(USAGE)
    return 0
  }
  const progress = process.stdout.isTTY
    ? terminalProgress(process.stdout, process.stderr)
    : plainProgress(print, complain)
  const stopping = new AbortController()
  const forcing = new AbortController()
  const asked = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()))
  const failures: Error[] = []
  let firstAt = Number.POSITIVE_INFINITY
  const interrupt = () => {
    if (!stopping.signal.aborted) {
      progress.giveUp()
      progress.line('Stopping; once more to end everything at once')
      firstAt = Date.now()
      stopping.abort()
    } else if (Date.now() - firstAt > SAME_KEY_MS) {
      forcing.abort()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  const crash = (error: unknown) => {
    failures.push(error instanceof Error ? error : new Error(String(error)))
    stopping.abort()
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  try {
    const toolberth = await startToolberth({
      ...options,
      progress,
      signal: stopping.signal,
      force: forcing.signal,
    })
    print(`Toolberth is ready: ${toolberth.url}`)
    print(`Sign in as ${toolberth.adminEmail}; the password is in ${homePaths(options.home).adminPassword}`)
    await asked
    await toolberth.stop()
  } catch (error) {
    progress.giveUp()
    if (!stopping.signal.aborted || error instanceof StartError) throw error
  }
  const [failure] = failures
  if (failure) throw failure
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof StartError) complain(error.message)
  else
    complain(`Toolberth stopped because of an unexpected error: ${(error as Error).stack ?? String(error)}`)
  process.exitCode = 1
}
// Whatever still holds the event loop (a half-open connection) has nothing left to do.
process.exit()
