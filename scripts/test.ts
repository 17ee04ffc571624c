import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium } from './ensure-chromium.ts'
import { ensureDocker } from './ensure-docker.ts'
import { StartError } from './start-error.ts'
import {
  add,
  type Counts,
  closingLine,
  countPlaywright,
  countVitest,
  NOTHING,
  reconcile,
} from './test/counts.ts'
import { type Finished, runCommand } from './test/run-command.ts'

const MINUTE = 60_000
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())

const reports = mkdtempSync(join(tmpdir(), 'toolberth-reports-'))
const vitestReport = join(reports, 'vitest.json')
const playwrightReport = join(reports, 'playwright.json')

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

/** Counts its tests by the report that it writes; no report is a failure. */
async function suite(
  name: string,
  command: string[],
  options: { env: Record<string, string>; report: string; count: (json: string) => Counts },
): Promise<Counts> {
  const began = Date.now()
  console.log(`  ${name} …`)
  const finished = await runCommand(command, {
    timeoutMs: 35 * MINUTE,
    show: true,
    signal: interrupted.signal,
    env: options.env,
  })
  const counts = reconcile(countReport(options), exitCode(finished))
  console.log(
    `${counts.failed === 0 ? '✓' : '✗'} ${name}: ${closingLine(counts)}, ${seconds(began)}${finished.timedOut ? ', took too long' : ''}`,
  )
  return counts
}

function countReport({ report, count }: { report: string; count: (json: string) => Counts }): Counts {
  try {
    return count(readFileSync(report, 'utf8'))
  } catch {
    return NOTHING
  }
}

const exitCode = ({ code, timedOut }: Finished) => (timedOut ? null : code)
const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`

async function endToEnd(): Promise<Counts> {
  try {
    await ensureChromium((line) => console.log(line))
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    console.log(`✗ end to end: ${error.message}`)
    return { ...NOTHING, failed: 1 }
  }
  return suite('end to end', ['playwright', 'test'], {
    env: { PLAYWRIGHT_JSON: playwrightReport },
    report: playwrightReport,
    count: countPlaywright,
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
    suite('unit, integration and migration drift', ['vitest', 'run'], {
      env: { VITEST_JSON: vitestReport },
      report: vitestReport,
      count: countVitest,
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
