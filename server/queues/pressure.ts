import { type Metrics, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueuePressure, QueueReport } from '#contracts/queues.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { toFailure } from '#server/errors.ts'
import { logger } from '#server/logger.ts'
import { redis } from '#server/redis.ts'
import { JOBS, METRICS_MINUTES, RECURRING } from './catalogue.ts'
import { queuePrefix } from './connection.ts'
import { type Judgement, judgeOutbox, judgeQueue, worst } from './judge.ts'

const NAMES = [...Object.keys(JOBS), ...Object.keys(RECURRING)]
/** Jobs of a state that are looked at for the oldest. */
const SAMPLE = 100
const MINUTE_MS = 60_000

/** How much is asked for and how much of it is carried out: every queue and the outbox, counted now. */
export async function getQueueReport(): Promise<QueueReport> {
  const outbox = await outboxPressure()
  let queues: QueuePressure[] = []
  const judgements: Judgement[] = []
  try {
    queues = await Promise.all(readers().map(queuePressure))
    judgements.push(...queues)
  } catch (error) {
    logger.debug({ err: error }, 'queues not read')
    judgements.push({
      state: 'stuck',
      problem: toFailure('STORE_UNAVAILABLE', {
        detail: 'Redis does not answer, so nothing is handed over.',
      }),
    })
  }
  judgements.push(outbox)
  const { state, problem } = worst(judgements)
  return { at: new Date().toISOString(), state, problem, outbox, queues }
}

async function outboxPressure(): Promise<QueueReport['outbox']> {
  const [row] = await withActor(
    systemCtx('queue-pressure').actor,
    (db) => db.$queryRaw<{ waiting: number; oldest: number | null }[]>`
      SELECT count(*)::int AS waiting, (extract(epoch FROM clock_timestamp() - min(available_at)) * 1000)::float8 AS oldest
      FROM outbox WHERE relayed_at IS NULL AND available_at <= clock_timestamp()`,
  )
  const { waiting, oldest } = row ?? { waiting: 0, oldest: null }
  const oldestMs = oldest === null ? null : Math.max(0, oldest)
  return { waiting, oldestMs, ...judgeOutbox(waiting, oldestMs) }
}

async function queuePressure(queue: Queue): Promise<QueuePressure> {
  const [counts, waitingJobs, others, workers, done, failed] = await Promise.all([
    queue.getJobCounts('waiting', 'active', 'delayed', 'failed'),
    queue.getJobs(['waiting'], 0, SAMPLE - 1, true),
    queue.getJobs(['active', 'delayed'], 0, SAMPLE - 1, true),
    queue.getWorkersCount(),
    queue.getMetrics('completed'),
    queue.getMetrics('failed'),
  ])
  const now = Date.now()
  const recurring = queue.name in RECURRING
  // The next turn of a recurring job stands among the delayed ones all the time.
  const jobs = [...waitingJobs, ...(recurring ? [] : others)].filter((job) => job !== undefined)
  const oldest = Math.min(...jobs.map(({ timestamp }) => timestamp))
  // A job that has delayed itself waits for a worker since it was due again.
  const waitingSince = Math.min(
    ...waitingJobs.filter(Boolean).map((job) => Math.max(job.timestamp, job.processedOn ?? 0) + job.delay),
  )
  const { waiting = 0, active = 0, delayed = 0 } = counts
  const waitingMs = Number.isFinite(waitingSince) ? Math.max(0, now - waitingSince) : null
  return {
    name: queue.name,
    recurring,
    waiting,
    active,
    delayed,
    done: lastHour(done, now),
    failed: lastHour(failed, now),
    oldestMs: Number.isFinite(oldest) ? Math.max(0, now - oldest) : null,
    waitingMs,
    workers,
    ...judgeQueue({ name: queue.name, workers, waiting, waitingMs }),
  }
}

/** BullMQ's points are one a minute, newest first, written at the next job's end; what came since the last is in the count. */
function lastHour({ meta, data }: Metrics, now: number): number {
  const minutesAgo = Math.floor((now - meta.prevTS) / MINUTE_MS)
  if (meta.prevTS === 0 || minutesAgo >= METRICS_MINUTES) return 0
  const counted = data.slice(0, METRICS_MINUTES - minutesAgo).reduce((sum, point) => sum + Number(point), 0)
  return counted + Math.max(0, meta.count - meta.prevCount)
}

let opened: { client: Redis; queues: Queue[] } | undefined

/** Queues over the process's one connection, which is not theirs to close. */
function readers(): Queue[] {
  const client = redis()
  if (opened?.client !== client) {
    const queues = NAMES.map((name) => new Queue(name, { connection: client, prefix: queuePrefix() }))
    for (const queue of queues) queue.on('error', () => undefined)
    opened = { client, queues }
  }
  return opened.queues
}
