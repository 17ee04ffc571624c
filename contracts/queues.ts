import { z } from 'zod'
import { Failure } from './errors.ts'
import { Timestamp } from './names.ts'

/** `ok`; `busy`: more is asked for than is carried out at once; `stuck`: nothing is carried out, `problem` says why. */
export const PressureState = z.enum(['ok', 'busy', 'stuck'])
export type PressureState = z.infer<typeof PressureState>

/** One queue as it is now. */
export const QueuePressure = z.object({
  name: z.string(),
  /** Whether its jobs come by the clock rather than from what somebody asked for. */
  recurring: z.boolean(),
  /** Jobs that a worker could take now, that workers have taken, and that wait for their next step or turn. */
  waiting: z.int(),
  active: z.int(),
  delayed: z.int(),
  /** Of the last hour. A deployment that failed is not one of these: its job has done what it had to. */
  done: z.int(),
  failed: z.int(),
  /** Milliseconds since the oldest job was handed over; null when there is none. */
  oldestMs: z.number().nullable(),
  /** Milliseconds that the job at the head has been waiting for a worker; null when none waits. */
  waitingMs: z.number().nullable(),
  /** Worker processes that listen. */
  workers: z.int(),
  state: PressureState,
  problem: Failure.nullable(),
})
export type QueuePressure = z.infer<typeof QueuePressure>

/** Jobs that were asked for and that the relay has not yet handed to a queue. */
export const OutboxPressure = z.object({
  waiting: z.int(),
  oldestMs: z.number().nullable(),
  state: PressureState,
  problem: Failure.nullable(),
})

export const QueueReport = z.object({
  at: Timestamp,
  /** The worst of all below. */
  state: PressureState,
  /** Its cause; null when all is well. */
  problem: Failure.nullable(),
  outbox: OutboxPressure,
  /** None when Redis is away. */
  queues: z.array(QueuePressure),
})
export type QueueReport = z.infer<typeof QueueReport>
