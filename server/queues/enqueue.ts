import { randomUUID } from 'node:crypto'
import { afterCommit, type Db } from '#server/db/with-actor.ts'
import { logger } from '#server/logger.ts'
import { redis, redisKey } from '#server/redis.ts'
import { JOBS, type JobName, type Payload } from './catalogue.ts'

/** Channel that says "the outbox has new rows"; may be lost, the relay polls as well. */
export function outboxChannel(): string {
  return redisKey('outbox')
}

/** Writes a job into the outbox in the caller's transaction; the relay hands it to BullMQ after commit. Answers the job's id. */
export async function enqueue<N extends JobName>(
  db: Db,
  queue: N,
  payload: Payload<N>,
  options: { delayMs?: number } = {},
): Promise<string> {
  const id = randomUUID()
  const body = JSON.stringify(JOBS[queue].payload.parse(payload))
  const delay = `${options.delayMs ?? 0} milliseconds`
  await db.$executeRaw`INSERT INTO outbox (id, queue, payload, available_at)
    VALUES (${id}::uuid, ${queue}, ${body}::jsonb, clock_timestamp() + ${delay}::interval)`
  afterCommit(() => {
    redis()
      .publish(outboxChannel(), '')
      .catch((error: unknown) => logger.debug({ err: error }, 'outbox hint not published'))
  })
  return id
}
