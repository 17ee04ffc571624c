import { DelayedError, UnrecoverableError, Worker } from 'bullmq'
import { logger } from '#server/logger.ts'
import {
  JOBS,
  type JobName,
  METRICS_MINUTES,
  type Payload,
  type RecurringName,
} from '#server/queues/catalogue.ts'
import { queuePrefix, workerConnection } from '#server/queues/connection.ts'

/** With these a killed worker's job goes on after 10 s rather than the default 60 s. */
const LOCK_MS = 5_000

const common = () => ({
  connection: workerConnection(),
  prefix: queuePrefix(),
  lockDuration: LOCK_MS,
  stalledInterval: LOCK_MS,
  // Handlers are idempotent by the state of the rows, so a job may be taken over any number of times.
  maxStalledCount: 100,
  metrics: { maxDataPoints: METRICS_MINUTES },
})

/** What a handler answers: nothing is left to do, or come again after so many milliseconds. */
export type Outcome = 'done' | { again: number }

/** A worker of one queue: parses the payload, and lets a step delay its own job rather than wait. */
export function createWorker<N extends JobName>(
  name: N,
  options: { concurrency: number; backoff?: (attemptsMade: number, payload: Payload<N>) => number },
  handle: (payload: Payload<N>) => Promise<Outcome>,
): Worker {
  const worker = new Worker(
    name,
    async (job, token) => {
      const parsed = JOBS[name].payload.safeParse(job.data)
      if (!parsed.success) throw new UnrecoverableError(`payload of ${name}: ${parsed.error.message}`)
      const outcome = await handle(parsed.data as Payload<N>)
      if (outcome === 'done') return
      await job.moveToDelayed(Date.now() + outcome.again, token)
      throw new DelayedError()
    },
    {
      ...common(),
      concurrency: options.concurrency,
      settings: {
        backoffStrategy: (made, _type, _error, job) => {
          const parsed = JOBS[name].payload.safeParse(job?.data)
          return parsed.success && options.backoff ? options.backoff(made, parsed.data as Payload<N>) : 1_000
        },
      },
    },
  )
  return withLog(worker, name)
}

/** A worker of a recurring job; one turn at a time in this process. */
export function createRecurringWorker(name: RecurringName, handle: () => Promise<void>): Worker {
  return withLog(new Worker(name, handle, { ...common(), concurrency: 1 }), name)
}

function withLog(worker: Worker, name: string): Worker {
  worker.on('failed', (job, error) =>
    logger.warn({ err: error, queue: name, jobId: job?.id, attempt: job?.attemptsMade }, 'job failed'),
  )
  worker.on('error', (error) => logger.warn({ err: error, queue: name }, 'worker lost redis'))
  return worker
}
