import { describe, expect, it } from 'vitest'
import { tally } from './counts.ts'
import { OUTSIDE, type Outcome, type Report } from './report.ts'
import { joinTries, worthAnotherTry } from './second-try.ts'

/** `a:one` is the test "one" of the file a, which is run again as a whole. */
const report = (tests: Record<string, Outcome['state']>, errors: string[] = []): Report => ({
  outcomes: Object.entries(tests).map(([test, state]) => {
    const [file = '', name = ''] = test.split(':')
    return { file, name, state, message: state === 'failed' ? `${test} broke` : '', target: file }
  }),
  errors,
  seconds: {},
})
const names = (outcomes: Outcome[]) => outcomes.map(({ file, name }) => `${file}:${name}`)

describe('worthAnotherTry', () => {
  it('names each file with a failure once, and what its failure kept from running', () => {
    const first = report({
      'a:1': 'failed',
      'a:2': 'failed',
      'b:1': 'passed',
      'c:1': 'missed',
      'd:1': 'skipped',
    })
    expect(worthAnotherTry(first)).toEqual(['a', 'c'])
  })

  it('leaves a run alone that is good, or that failed in many places', () => {
    expect(worthAnotherTry(report({ 'a:1': 'passed' }))).toBeNull()
    const many = Object.fromEntries('abcdefg'.split('').map((file) => [`${file}:1`, 'failed' as const]))
    expect(worthAnotherTry(report(many))).toBeNull()
  })

  it('runs everything once more when nothing could start, but not after an error of no file', () => {
    expect(worthAnotherTry(report({ 'a:1': 'missed' }, ['no database']))).toEqual([])
    expect(worthAnotherTry(report({ 'a:1': 'passed' }, ['no memory']))).toBeNull()
  })
})

describe('joinTries', () => {
  it('counts what ran twice by its second result, and names what recovered with its first message', () => {
    const first = report({ 'a:1': 'failed', 'a:2': 'passed', 'b:1': 'passed', 'c:1': 'failed' })
    const second = report({ 'a:1': 'passed', 'a:2': 'passed', 'c:1': 'failed' })
    const joined = joinTries(first, second)
    expect(tally(joined.report)).toEqual({ passed: 3, failed: 1, skipped: 0 })
    expect(joined.recovered).toEqual([expect.objectContaining({ name: '1', message: 'a:1 broke' })])
  })

  it('takes a failure of the second try for one, of a test too that passed at first', () => {
    const first = report({ 'a:1': 'failed', 'a:2': 'passed' })
    const joined = joinTries(first, report({ 'a:1': 'passed', 'a:2': 'failed' }))
    expect(tally(joined.report)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  })

  it('lets nothing get lost that did not run again', () => {
    const first = report({ 'a:1': 'failed', 'a:2': 'failed', 'a:3': 'missed' })
    const joined = joinTries(first, report({ 'a:1': 'passed', 'a:2': 'skipped' }))
    expect(names(joined.report.outcomes)).toEqual(['a:1', 'a:2', 'a:3'])
    expect(tally(joined.report)).toEqual({ passed: 1, failed: 1, skipped: 1 })
    expect(tally(joinTries(first, report({})).report)).toEqual({ passed: 0, failed: 2, skipped: 1 })
  })

  it('takes a file that failed outside of its tests for mended once all of them passed', () => {
    const first = report({ [`a:${OUTSIDE}`]: 'failed', 'a:1': 'skipped', 'b:1': 'passed' })
    const joined = joinTries(first, report({ 'a:1': 'passed' }))
    expect(tally(joined.report)).toEqual({ passed: 2, failed: 0, skipped: 0 })
    expect(names(joined.recovered)).toEqual([`a:${OUTSIDE}`])
    const again = joinTries(first, report({ 'a:1': 'failed' }))
    expect(tally(again.report)).toEqual({ passed: 1, failed: 1, skipped: 0 })
    expect(again.recovered).toEqual([])
  })

  it('forgets a first try that could not start', () => {
    const joined = joinTries(report({ 'a:1': 'missed' }, ['no database']), report({ 'a:1': 'passed' }))
    expect(tally(joined.report)).toEqual({ passed: 1, failed: 0, skipped: 0 })
    expect(tally(joinTries(report({}, ['no']), report({}, ['no'])).report).failed).toBe(1)
  })
})
