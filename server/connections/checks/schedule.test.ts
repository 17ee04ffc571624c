import { describe, expect, it } from 'vitest'
import { nextCheckInMs } from './schedule.ts'

const INTERVAL = 300_000
const between = (failed: number, low: number, high: number) => {
  expect(nextCheckInMs(failed, INTERVAL, 0)).toBe(low)
  expect(nextCheckInMs(failed, INTERVAL, 0.999_999_9)).toBe(high)
}

describe('the next check', () => {
  it('of a connection that works comes after the interval, spread by a tenth to both sides', () => {
    between(0, 270_000, 330_000)
  })

  it('of one that fails comes after 15 s, 30 s, 1 min and so on, up to the interval', () => {
    between(1, 15_000, 18_750)
    between(2, 30_000, 37_500)
    between(3, 60_000, 75_000)
    between(5, 240_000, 300_000)
    between(6, 270_000, 330_000)
  })

  it('F32: always comes, however often it failed', () => {
    for (const failed of [7, 100, 100_000]) between(failed, 270_000, 330_000)
  })

  it('after a failure is never later than the interval when that is short', () => {
    expect(nextCheckInMs(4, 10_000, 0.5)).toBe(10_000)
  })
})
