import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'
import { z } from 'zod'
import { firstLine, OUTSIDE, type Outcome, Report } from './report.ts'

/** Writes what a run of Vitest came to as a `Report`. Its own JSON reporter leaves out the unhandled errors that fail a run. */
export class VitestReporter implements Reporter {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const root = process.cwd()
    const report: Report = { outcomes: [], errors: [], seconds: {} }
    const failures = new Map(unhandled.map((error) => [pathOf(error), firstLine(error.message)]))
    for (const module of modules) {
      const outcomes = outcomesOf(module, root, failures.get(module.moduleId))
      failures.delete(module.moduleId)
      report.outcomes.push(...outcomes)
      const { collectDuration, duration } = module.diagnostic()
      report.seconds[relative(root, module.moduleId)] = (collectDuration + duration) / 1000
    }
    report.errors.push(...failures.values())
    writeFileSync(this.#file, JSON.stringify(Report.parse(report)))
  }
}

function outcomesOf(module: TestModule, root: string, unhandled: string | undefined): Outcome[] {
  const place = { file: relative(root, module.moduleId), target: module.moduleId }
  const outcomes = [...module.children.allTests()].map((test): Outcome => {
    const { state, errors = [] } = test.result()
    return {
      ...place,
      name: test.fullName,
      state: state === 'pending' ? 'missed' : state,
      message: state === 'failed' ? firstLine(errors[0]?.message ?? '') : '',
    }
  })
  const failed = outcomes.some(({ state }) => state === 'failed')
  const done = ['passed', 'skipped'].includes(module.state())
  if (failed || (done && unhandled === undefined)) return outcomes
  const [own] = [...module.errors(), ...[...module.children.allSuites()].flatMap((suite) => suite.errors())]
  const message = own ? firstLine(own.message) : (unhandled ?? 'It did not end.')
  return [...outcomes, { ...place, name: OUTSIDE, state: 'failed', message }]
}

const Origin = z.object({ VITEST_TEST_PATH: z.string() })

/** The file that ran when an error reached nobody; each error of another origin has a key of its own. */
function pathOf(error: SerializedError): string | symbol {
  return Origin.safeParse(error).data?.VITEST_TEST_PATH ?? Symbol(error.message)
}
