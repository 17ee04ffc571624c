import type { Failure } from '#contracts/errors.ts'
import type { PressureState } from '#contracts/queues.ts'
import { toFailure } from '#server/errors.ts'

/** A job that waits longer than this for a worker is felt by who asked for it. */
export const BUSY_AFTER_MS = 5_000
/** Workers that take no job for so long do not work; a killed one's jobs are taken over within 10 s. */
export const STUCK_AFTER_MS = 60_000
/** The relay looks every half second. */
const OUTBOX_STUCK_AFTER_MS = 15_000

export interface Judgement {
  state: PressureState
  problem: Failure | null
}

const OK: Judgement = { state: 'ok', problem: null }

/** What the figures of one queue mean, and what to do about it. */
export function judgeQueue(figures: {
  name: string
  workers: number
  waiting: number
  waitingMs: number | null
}): Judgement {
  const { name, workers, waiting } = figures
  const waitingMs = figures.waitingMs ?? 0
  const jobs = waiting === 1 ? '1 job waits' : `${waiting} jobs wait`
  if (workers === 0)
    return {
      state: 'stuck',
      problem: toFailure('NO_WORKER', { detail: `No worker listens to ${name}. ${jobs}.` }),
    }
  const since = `${jobs} in ${name}, the first for ${Math.round(waitingMs / 1000)} s.`
  if (waitingMs >= STUCK_AFTER_MS)
    return { state: 'stuck', problem: toFailure('QUEUE_STUCK', { detail: since }) }
  if (waitingMs >= BUSY_AFTER_MS)
    return { state: 'busy', problem: toFailure('QUEUE_BUSY', { detail: since }) }
  return OK
}

/** The same of the outbox, by how many of its rows are due and for how long the first has been. */
export function judgeOutbox(waiting: number, oldestMs: number | null): Judgement {
  const age = oldestMs ?? 0
  const detail = `${waiting} not handed over, the oldest for ${Math.round(age / 1000)} s.`
  if (age >= OUTBOX_STUCK_AFTER_MS) return { state: 'stuck', problem: toFailure('OUTBOX_STUCK', { detail }) }
  return age >= BUSY_AFTER_MS ? { state: 'busy', problem: toFailure('QUEUE_BUSY', { detail }) } : OK
}

const SEVERITY: readonly PressureState[] = ['ok', 'busy', 'stuck']

/** The first of the worst. */
export function worst(judgements: readonly Judgement[]): Judgement {
  return judgements.reduce(
    (found, one) => (SEVERITY.indexOf(one.state) > SEVERITY.indexOf(found.state) ? one : found),
    OK,
  )
}
