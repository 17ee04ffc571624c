import { describe, expect, it } from 'vitest'
import { BUSY_AFTER_MS, judgeOutbox, judgeQueue, STUCK_AFTER_MS, worst } from './judge.ts'

const queue = (figures: Partial<Parameters<typeof judgeQueue>[0]>) =>
  judgeQueue({ name: 'provision', workers: 1, waiting: 0, waitingMs: null, ...figures })

describe('a queue', () => {
  it.each([
    ['idle', {}, 'ok', undefined],
    ['with jobs that have just come', { waiting: 9, waitingMs: BUSY_AFTER_MS - 1 }, 'ok', undefined],
    ['whose jobs wait', { waiting: 9, waitingMs: BUSY_AFTER_MS }, 'busy', 'QUEUE_BUSY'],
    ['whose workers take nothing', { waiting: 1, waitingMs: STUCK_AFTER_MS }, 'stuck', 'QUEUE_STUCK'],
    ['that nobody listens to', { workers: 0 }, 'stuck', 'NO_WORKER'],
    ['with jobs that nobody takes', { workers: 0, waiting: 3, waitingMs: 1 }, 'stuck', 'NO_WORKER'],
  ] as const)('%s is judged by its cause', (_, figures, state, code) => {
    const { state: judged, problem } = queue(figures)
    expect({ state: judged, code: problem?.code }).toEqual({ state, code })
  })

  it('says how much waits and for how long', () => {
    expect(queue({ waiting: 1, waitingMs: 7_400 }).problem?.detail).toBe(
      '1 job waits in provision, the first for 7 s.',
    )
  })
})

describe('the outbox', () => {
  it.each([
    [0, null, 'ok'],
    [5, 600, 'ok'],
    [5, 6_000, 'busy'],
    [5, 20_000, 'stuck'],
  ] as const)('with %i rows, the oldest due for %s ms, is %3$s', (waiting, oldestMs, state) => {
    expect(judgeOutbox(waiting, oldestMs).state).toBe(state)
  })
})

it('the worst counts, and of equals the first', () => {
  const [ok, busy, stuck] = [queue({}), queue({ waiting: 1, waitingMs: 6_000 }), queue({ workers: 0 })]
  expect(worst([])).toEqual(ok)
  expect(worst([ok, busy, ok])).toBe(busy)
  expect(worst([busy, stuck, queue({ workers: 0, waiting: 4 })])).toBe(stuck)
})
