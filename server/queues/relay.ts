import { Queue } from 'bullmq'
import { z } from 'zod'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { logger } from '#server/logger.ts'
import { openSubscriber } from '#server/redis.ts'
import { JOBS, type JobName } from './catalogue.ts'
import { producerOptions } from './connection.ts'
import { outboxChannel } from './enqueue.ts'

const POLL_MS = 500
const BATCH = 100
const QueueName = z.enum(Object.keys(JOBS) as [JobName, ...JobName[]])

/**
 * Hands committed outbox rows to BullMQ, then marks them: at least once. The row's id is the job's id, so a second hand-over of a
 * waiting job is ignored, and handlers are idempotent for the rest. Call the answer to stop.
 */
export function startRelay(): () => Promise<void> {
  const queues = new Map(QueueName.options.map((name) => [name, openQueue(name)] as const))
  const ctx = systemCtx('outbox-relay')
  const subscriber = openSubscriber()
  let stopped = false
  let again = false
  let wake: () => void = () => undefined
  subscriber.on('message', () => {
    again = true
    wake()
  })
  subscriber.subscribe(outboxChannel()).catch(() => undefined)

  async function relayBatch(): Promise<number> {
    // By the database's clock, which also wrote when a row is due.
    const rows = await withActor(
      ctx.actor,
      (db) => db.$queryRaw<{ id: string; queue: string; payload: unknown }[]>`
        SELECT id, queue, payload FROM outbox WHERE relayed_at IS NULL AND available_at <= clock_timestamp()
        ORDER BY created_at LIMIT ${BATCH}`,
    )
    for (const row of rows) {
      const name = QueueName.parse(row.queue)
      const payload = JOBS[name].payload.parse(row.payload)
      await queues.get(name)?.add(name, payload, {
        jobId: row.id,
        attempts: JOBS[name].attempts,
        backoff: { type: 'custom' },
        removeOnComplete: true,
        removeOnFail: true,
      })
    }
    if (rows.length > 0)
      await withActor(ctx.actor, (db) =>
        db.outbox.updateMany({
          where: { id: { in: rows.map((row) => row.id) } },
          data: { relayedAt: new Date() },
        }),
      )
    return rows.length
  }

  const loop = (async () => {
    while (!stopped) {
      again = false
      const count = await relayBatch().catch((error: unknown) => {
        logger.warn({ err: error }, 'outbox not relayed; trying again')
        return 0
      })
      if (count === BATCH || again || stopped) continue
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  })()

  return async () => {
    stopped = true
    wake()
    await loop
    subscriber.disconnect()
    await Promise.all([...queues.values()].map((queue) => queue.close()))
  }
}

function openQueue(name: JobName): Queue {
  const queue = new Queue(name, producerOptions())
  // Without a listener a connection that is lost would end the process; the relay reports what it could not hand over.
  queue.on('error', () => undefined)
  return queue
}
