import { describe, expect, it } from 'vitest'
import { stepsOf } from '#app/components/servers/deployment-steps.ts'
import type { Deployment } from '#contracts/deployments.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
const deployment: Deployment = {
  id: '0190aaaa-0000-7000-8000-000000000001',
  serverId: '0190aaaa-0000-7000-8000-000000000002',
  revisionNumber: 1,
  state: 'preparing',
  phase: 'Installing packages',
  phases: [
    { state: 'queued', phase: null, startedAt: at(0), endedAt: at(1) },
    { state: 'preparing', phase: 'Fetching', startedAt: at(1), endedAt: at(3) },
    { state: 'preparing', phase: 'Installing packages', startedAt: at(3), endedAt: null },
  ],
  requestedBy: null,
  createdAt: at(0),
  finishedAt: null,
  estimatedReadyAt: null,
  estimate: null,
  failure: null,
  logTail: [],
  changes: null,
  cleanedUp: null,
}
const states = (of: Deployment) => stepsOf(of, Date.parse(at(5))).map((step) => step.state)

describe('steps of a deployment', () => {
  it('sums the parts of a step and lets the current one run on', () => {
    const steps = stepsOf(deployment, Date.parse(at(5)))
    expect(steps.map((step) => step.ms)).toEqual([1000, 4000, null, null, null])
    expect(steps[1]?.phases).toEqual(['Fetching', 'Installing packages'])
    expect(states(deployment)).toEqual(['done', 'current', 'waiting', 'waiting', 'waiting'])
  })

  it('marks the step that failed, and no later one', () => {
    const phases = [
      ...deployment.phases.slice(0, 2),
      { state: 'failed' as const, phase: null, startedAt: at(3), endedAt: at(3) },
    ]
    expect(states({ ...deployment, state: 'failed', phase: null, phases, finishedAt: at(3) })).toEqual([
      'done',
      'failed',
      'waiting',
      'waiting',
      'waiting',
    ])
  })

  it('is done with all of them once live', () => {
    expect(states({ ...deployment, state: 'live' })).toEqual(Array.from({ length: 5 }, () => 'done'))
  })
})
