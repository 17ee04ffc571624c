import { describe, expect, it } from 'vitest'
import { add, closingLine, reconcile, tally } from './counts.ts'

const outcome = (state: 'passed' | 'failed' | 'skipped' | 'missed') => ({
  file: 'a.test.ts',
  name: state,
  state,
  message: '',
  target: 'a.test.ts',
})

describe('tally', () => {
  it('counts each outcome once, and errors outside of every file', () => {
    const outcomes = [outcome('passed'), outcome('passed'), outcome('failed'), outcome('skipped')]
    expect(tally({ outcomes, errors: ['no database'], seconds: {} })).toEqual({
      passed: 2,
      failed: 2,
      skipped: 1,
    })
  })

  it('does not call a run good in which tests were missed', () => {
    const outcomes = [outcome('passed'), outcome('missed'), outcome('missed')]
    expect(tally({ outcomes, errors: [], seconds: {} })).toEqual({ passed: 1, failed: 1, skipped: 2 })
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
