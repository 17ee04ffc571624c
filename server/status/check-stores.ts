import { prisma } from '#server/db/client.ts'
import { logger } from '#server/logger.ts'
import { redis } from '#server/redis.ts'

/** Whether Postgres and Redis answer. Says nothing of why not; the log does. */
export async function checkStores(): Promise<{ ok: boolean }> {
  try {
    await Promise.all([prisma().$queryRaw`SELECT 1`, redis().ping()])
    return { ok: true }
  } catch (error) {
    logger.warn({ err: error }, 'a store is away')
    return { ok: false }
  }
}
