import { describe, expect, it } from 'vitest'
import type { Droplet, DropletStep } from '#contracts/droplets.ts'
import { dropletSteps, monthly } from './droplet-steps.ts'

const at = (seconds: number) => new Date(1_800_000_000_000 + seconds * 1000).toISOString()
const NOW = Date.parse(at(100))
const droplet = (...history: [DropletStep, number, number | null][]): Droplet => ({
  step: history.at(-1)?.[0] ?? 'creating',
  region: 'fra1',
  size: 's-1vcpu-1gb',
  image: 'ubuntu-24-04-x64',
  priceMonthly: 6,
  dropletId: 1,
  ipv4: null,
  attempt: 1,
  history: history.map(([step, start, end]) => ({
    step,
    startedAt: at(start),
    endedAt: end === null ? null : at(end),
  })),
  trouble: null,
  deadlineAt: at(1000),
})
const shown = (one: Droplet) => dropletSteps(one, NOW).map(({ step, state, ms }) => [step, state, ms])

describe('the steps of a droplet', () => {
  it('that is being made are those it went through, then those to come', () => {
    expect(shown(droplet(['creating', 0, 2], ['booting', 2, null]))).toEqual([
      ['creating', 'done', 2_000],
      ['booting', 'current', 98_000],
      ['securing', 'waiting', null],
      ['installing', 'waiting', null],
      ['ready', 'waiting', null],
    ])
  })

  it('that failed end where it did, and go on with what was destroyed', () => {
    expect(shown(droplet(['creating', 0, 2], ['booting', 2, 9], ['destroying', 9, null]))).toEqual([
      ['creating', 'done', 2_000],
      ['booting', 'failed', 7_000],
      ['destroying', 'current', 91_000],
      ['gone', 'waiting', null],
    ])
  })

  it('that was ready and is deleted did not fail', () => {
    const one = droplet(['creating', 0, 2], ['ready', 2, 2], ['destroying', 9, 10], ['gone', 10, 10])
    expect(shown(one)).toEqual([
      ['creating', 'done', 2_000],
      ['ready', 'done', null],
      ['destroying', 'done', 1_000],
      ['gone', 'done', null],
    ])
  })

  it('say the price with cents only where there are some', () => {
    expect([monthly(6), monthly(7.5)]).toEqual(['$6 a month', '$7.50 a month'])
  })
})
