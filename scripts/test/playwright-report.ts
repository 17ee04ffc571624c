import { z } from 'zod'
import { firstLine, type Outcome, type Report } from './report.ts'

const Failure = z.object({ message: z.string().optional(), value: z.string().optional() })

const Spec = z.object({
  title: z.string(),
  file: z.string(),
  line: z.int(),
  tests: z.array(
    z.object({
      status: z.enum(['expected', 'unexpected', 'flaky', 'skipped']),
      /** Of a test that is skipped on purpose: skipped. */
      expectedStatus: z.string(),
      results: z.array(z.object({ duration: z.number(), error: Failure.optional() })),
    }),
  ),
})

const Suite = z.object({
  title: z.string(),
  specs: z.array(Spec),
  get suites() {
    return z.array(Suite).optional()
  },
})

const PlaywrightReport = z.object({ errors: z.array(Failure), suites: z.array(Suite) })

const STATES = { expected: 'passed', flaky: 'passed', unexpected: 'failed', skipped: 'skipped' } as const

/** What Playwright's JSON report says. Throws on a text that is no such report. */
export function readPlaywright(json: string): Report {
  const { errors, suites } = PlaywrightReport.parse(JSON.parse(json))
  const report: Report = { outcomes: [], errors: errors.map(textOf), seconds: {} }
  // The outermost suite is the file, whose name each test has anyhow.
  for (const suite of suites) collect(suite, [], report)
  return report
}

function collect(suite: z.infer<typeof Suite>, titles: string[], report: Report): void {
  for (const { title, file, line, tests } of suite.specs) {
    const path = `e2e/${file}`
    for (const { status, expectedStatus, results } of tests) {
      const outcome: Outcome = {
        file: path,
        name: [...titles, title].join(' › '),
        state: status === 'skipped' && expectedStatus !== 'skipped' ? 'missed' : STATES[status],
        message: status === 'unexpected' ? textOf(results[0]?.error ?? {}) : '',
        target: `${path}:${line}`,
      }
      report.outcomes.push(outcome)
      const ms = results.reduce((sum, { duration }) => sum + duration, 0)
      report.seconds[path] = (report.seconds[path] ?? 0) + ms / 1000
    }
  }
  for (const inner of suite.suites ?? []) collect(inner, [...titles, inner.title], report)
}

const textOf = ({ message, value }: z.infer<typeof Failure>): string => firstLine(message ?? value ?? '')
