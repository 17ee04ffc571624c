import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import type { Explanation } from '#client/explain-error.ts'
import { withEphemeral } from './demo/ephemeral.ts'
import { explain } from './demo/explain.ts'
import { findInstallation, type Installation } from './demo/find-installation.ts'
import { type DemoOptions, readDemoOptions, USAGE } from './demo/options.ts'
import { createReport, createStep, type DemoReport } from './demo/report.ts'
import { runDemo } from './demo/run-demo.ts'
import { type Progress, plainProgress, terminalProgress } from './start/progress.ts'
import { StartError } from './start-error.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** npm passes on the Ctrl-C that the terminal has delivered already: two signals so close are one key. */
const SAME_KEY_MS = 700
/** Lines of a failed server's log that are shown. */
const LOG_LINES = 20

const print = (line: string) => process.stdout.write(`${line}\n`)
const complain = (line: string) => process.stderr.write(`${line}\n`)

async function demo(options: DemoOptions): Promise<number> {
  const startedAt = performance.now()
  const progress = progressFor(options)
  const { stopping, forcing } = listen(progress)
  const report = createReport(options.ephemeral)
  const { signal } = stopping
  const step = createStep(report, progress)
  const use = async (installation: Installation) => {
    report.url = installation.url
    const remove = !options.keep && !options.ephemeral
    await runDemo(installation, { step, report, progress, signal, remove })
  }
  try {
    if (options.ephemeral) {
      await withEphemeral({ step, progress, signal, force: forcing.signal }, use)
      report.removed = true
    } else {
      await use(findInstallation(process.env, ROOT))
    }
    report.ok = true
  } catch (error) {
    progress.giveUp()
    const step = report.steps.find(({ ok }) => !ok)?.name ?? null
    const explanation = signal.aborted ? INTERRUPTED : explain(error, report.url)
    report.error = { step, ...explanation }
    if (explanation.code === 'UNEXPECTED') complain((error as Error).stack ?? String(error))
  }
  report.ms = Math.round(performance.now() - startedAt)
  conclude(report, options)
  return signal.aborted ? 130 : report.ok ? 0 : 1
}

const INTERRUPTED: Explanation = {
  code: 'INTERRUPTED',
  text: 'Interrupted.',
  action: 'Run it again when you are ready.',
  detail: null,
  log: [],
}

function progressFor({ json }: DemoOptions): Progress {
  if (process.stdout.isTTY && !json) return terminalProgress(process.stdout, process.stderr)
  const plain = plainProgress(json ? complain : print, complain)
  return { ...plain, line: (text) => plain.line(`  ${text}`) }
}

function listen(progress: Progress) {
  const stopping = new AbortController()
  const forcing = new AbortController()
  let firstAt = 0
  const interrupt = () => {
    if (!stopping.signal.aborted) {
      firstAt = Date.now()
      progress.giveUp()
      progress.line('Stopping and cleaning up; once more to end everything at once')
      stopping.abort()
    } else if (Date.now() - firstAt > SAME_KEY_MS) {
      forcing.abort()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  return { stopping, forcing }
}

function conclude(report: DemoReport, { json }: DemoOptions): void {
  const { error } = report
  if (error) {
    const { log } = error
    for (const line of log.slice(-LOG_LINES)) complain(`  | ${line}`)
    complain(`${error.step ? `"${error.step}" failed: ` : ''}${error.text}`)
    if (error.detail && !error.text.includes(error.detail)) complain(`Detail: ${error.detail}`)
    if (!error.text.includes(error.action)) complain(`What to do: ${error.action}`)
  }
  if (json) print(JSON.stringify(report, null, 2))
  else if (!error) print(`Done in ${(report.ms / 1000).toFixed(1)} s.`)
}

async function main(): Promise<number> {
  const options = readDemoOptions(process.argv.slice(2))
  if (options !== 'help') return demo(options)
  print(USAGE)
  return 0
}

// A closed terminal or pipe must not end the demo before it has cleaned up.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof StartError)) throw error
  complain(error.message)
  process.exitCode = 1
}
