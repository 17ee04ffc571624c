import { describe, expect, it } from 'vitest'
import { add, closingLine, countPlaywright, countVitest, reconcile } from './counts.ts'

const vitest = (numbers: { passed: number; failed: number; files?: { status: string; tests: string[] }[] }) =>
  JSON.stringify({
    numPassedTests: numbers.passed,
    numFailedTests: numbers.failed,
    numPendingTests: 1,
    numTodoTests: 1,
    testResults: (numbers.files ?? []).map(({ status, tests }) => ({
      status,
      assertionResults: tests.map((test) => ({ status: test })),
    })),
  })

describe('countVitest', () => {
  it('takes over the numbers', () => {
    expect(countVitest(vitest({ passed: 3, failed: 1 }))).toEqual({ passed: 3, failed: 1, skipped: 2 })
  })

  it('counts a file that cannot be imported, and does not count a failed test twice', () => {
    const files = [
      { status: 'failed', tests: [] },
      { status: 'failed', tests: ['passed', 'failed'] },
      { status: 'passed', tests: ['passed'] },
    ]
    expect(countVitest(vitest({ passed: 2, failed: 1, files })).failed).toBe(2)
  })

  it('refuses what is no report', () => {
    expect(() => countVitest('{}')).toThrow('numPassedTests')
  })
})

describe('countPlaywright', () => {
  it('counts an error of the global set-up', () => {
    const report = {
      errors: [{ message: 'no' }],
      stats: { expected: 0, unexpected: 0, flaky: 0, skipped: 2 },
    }
    expect(countPlaywright(JSON.stringify(report))).toEqual({ passed: 0, failed: 1, skipped: 2 })
  })
})

describe('reconcile', () => {
  it('never lets a failed run look like a passed one', () => {
    expect(reconcile({ passed: 5, failed: 0, skipped: 0 }, 1).failed).toBe(1)
    expect(reconcile({ passed: 5, failed: 0, skipped: 0 }, null).failed).toBe(1)
    expect(reconcile({ passed: 5, failed: 2, skipped: 0 }, 1).failed).toBe(2)
    expect(reconcile({ passed: 5, failed: 0, skipped: 0 }, 0).failed).toBe(0)
  })

  it('never lets an empty run look like a passed one', () => {
    expect(reconcile({ passed: 0, failed: 0, skipped: 4 }, 0).failed).toBe(1)
  })
})

describe('closingLine', () => {
  it('names skipped tests only when there are any', () => {
    expect(closingLine({ passed: 2, failed: 0, skipped: 0 })).toBe('2 passed, 0 failed')
    expect(closingLine(add({ passed: 2, failed: 0, skipped: 0 }, { passed: 1, failed: 1, skipped: 3 }))).toBe(
      '3 passed, 1 failed, 3 skipped',
    )
  })
})
