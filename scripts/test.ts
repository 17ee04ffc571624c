import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium } from './ensure-chromium.ts'
import { ensureDocker } from './ensure-docker.ts'
import { StartError } from './start-error.ts'
import { add, type Counts, closingLine, NOTHING } from './test/counts.ts'
import { readPlaywright } from './test/playwright-report.ts'
import { Report } from './test/report.ts'
import { runCommand } from './test/run-command.ts'
import { runSuite, type Suite } from './test/suite.ts'

const MINUTE = 60_000
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())

const reports = mkdtempSync(join(tmpdir(), 'toolberth-reports-'))
// The suites start hundreds of processes of the same few programs; compiled once, each starts a third faster.
process.env.NODE_COMPILE_CACHE ??= join(reports, 'compiled')

/** Passes or fails as a whole; its output is shown when it fails. */
async function check(name: string, command: string[]): Promise<Counts> {
  const began = Date.now()
  const finished = await runCommand(command, {
    timeoutMs: 5 * MINUTE,
    show: false,
    signal: interrupted.signal,
  })
  const passed = finished.code === 0
  if (!passed) console.log(finished.output.trimEnd())
  console.log(`${passed ? '✓' : '✗'} ${name}, ${seconds(began)}${finished.timedOut ? ', took too long' : ''}`)
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 }
}

const suite = (what: Suite) =>
  runSuite(what, { reports, signal: interrupted.signal, say: (line) => console.log(line) })

const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`

async function endToEnd(): Promise<Counts> {
  try {
    await ensureChromium((line) => console.log(line))
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    console.log(`✗ end to end: ${error.message}`)
    return { ...NOTHING, failed: 1 }
  }
  return suite({
    name: 'end to end',
    command: ['playwright', 'test'],
    // With an installation of its own and a trace, which the first try does without; what is kept of that stays beside it.
    secondTry: ['--output=test-results/second-try', '--global-timeout=420000', '--trace=retain-on-failure'],
    reportVariable: 'PLAYWRIGHT_JSON',
    read: readPlaywright,
  })
}

const steps: (() => Promise<Counts>)[] = [
  () => check('format', ['biome', 'check', '.']),
  () => check('types', ['tsc', '--noEmit']),
  () => check('lint and dependency rules', ['oxlint']),
  () => check('unused code', ['knip', '--no-progress']),
  async () => {
    const reason = await ensureDocker((line) => console.log(line))
    if (reason !== null) console.log(`- containers: their tests are skipped, ${reason}`)
    return NOTHING
  },
  () =>
    suite({
      name: 'unit, integration and migration drift',
      command: ['vitest', 'run'],
      secondTry: ['--maxWorkers=1'],
      reportVariable: 'VITEST_REPORT',
      read: (text) => Report.parse(JSON.parse(text)),
    }),
  endToEnd,
]

let total = NOTHING
try {
  for (const step of steps) {
    if (!interrupted.signal.aborted) total = add(total, await step())
  }
} finally {
  rmSync(reports, { recursive: true, force: true })
}
if (interrupted.signal.aborted) {
  console.log('Interrupted.')
  process.exitCode = 130
} else {
  console.log(closingLine(total))
  process.exitCode = total.failed === 0 ? 0 : 1
}
