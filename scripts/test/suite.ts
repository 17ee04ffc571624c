import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Counts, closingLine, NOTHING, reconcile, tally } from './counts.ts'
import type { Report } from './report.ts'
import { type Finished, runCommand } from './run-command.ts'
import { joinTries, worthAnotherTry } from './second-try.ts'

const MINUTE = 60_000

export type Suite = {
  name: string
  command: string[]
  /** Arguments that a second try has besides the targets. */
  secondTry: string[]
  /** The variable that tells the runner where to write its report. */
  reportVariable: string
  read: (text: string) => Report
}

/**
 * Runs a suite and counts its tests by the report that it writes; no report is a failure. What failed is run once more: a
 * defect fails twice. What passed only then is said, so that it can be mended.
 */
export async function runSuite(
  suite: Suite,
  { reports, signal, say }: { reports: string; signal: AbortSignal; say: (line: string) => void },
): Promise<Counts> {
  const began = Date.now()
  const attempt = async (name: string, command: string[], timeoutMs: number) => {
    const file = join(reports, `${suite.reportVariable}-${name}.json`)
    const env = { [suite.reportVariable]: file }
    const finished = await runCommand(command, { timeoutMs, show: true, signal, env })
    return { ...finished, report: readReport(file, suite.read) }
  }
  const conclude = (report: Report | null, finished: Finished) => {
    const counts = reconcile(report ? tally(report) : NOTHING, finished.timedOut ? null : finished.code)
    const took = `${((Date.now() - began) / 1000).toFixed(1)} s${finished.timedOut ? ', took too long' : ''}`
    say(`${counts.failed === 0 ? '✓' : '✗'} ${suite.name}: ${closingLine(counts)}, ${took}`)
    return counts
  }

  say(`  ${suite.name} …`)
  const first = await attempt('first', suite.command, 35 * MINUTE)
  if (first.report) say(`  ${longestFiles(first.report)}`)
  const targets = first.report && worthAnotherTry(first.report)
  if (first.report === null || targets === null || signal.aborted) return conclude(first.report, first)

  say(`  ${suite.name}, once more what failed …`)
  const second = await attempt('second', [...suite.command, ...suite.secondTry, ...targets], 8 * MINUTE)
  if (second.report === null) return conclude(first.report, first)
  const { report, recovered } = joinTries(first.report, second.report)
  for (const { file, name, message } of recovered)
    say(`! passed at the second try: ${file} › ${name}, first failure: ${message}`)
  if (report.errors.length === 0)
    for (const error of first.report.errors) say(`! started at the second try, first failure: ${error}`)
  return conclude(report, second)
}

function readReport(file: string, read: (text: string) => Report): Report | null {
  try {
    return read(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

/** Where the seconds go, for whoever makes the suites faster. */
function longestFiles({ seconds }: Report): string {
  const longest = Object.entries(seconds)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 10)
  return `longest: ${longest.map(([file, took]) => `${file} ${took.toFixed(0)} s`).join(', ')}`
}
