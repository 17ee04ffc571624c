import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { env } from '#server/env.ts'
import { redis, redisKey } from '#server/redis.ts'
import { LaneFull } from './bulkhead.ts'
import { DtmaError } from './errors.ts'

/** Redis answers in well under this; one that hangs must not take the time that a call may have. */
const REDIS_MS = 300

let limiter: { client: Redis; shared: RateLimiterRedis; own: RateLimiterMemory } | undefined

/** Counted in Redis by all processes together; while Redis is away each process counts for itself. */
function limiters() {
  const client = redis()
  if (limiter?.client !== client) {
    const window = { points: env.DTMA_CALLS_PER_SECOND, duration: 1 }
    const own = new RateLimiterMemory(window)
    const shared = new RateLimiterRedis({
      ...window,
      storeClient: client,
      keyPrefix: redisKey('dtma-calls'),
      rejectIfRedisNotReady: true,
      insuranceLimiter: own,
    })
    limiter = { client, shared, own }
  }
  return limiter
}

/**
 * Takes one of the calls that a toolbox may get in this second. When there is none left it waits for the next second, at most
 * until `signal` aborts, and then throws DtmaError TOOLBOX_BUSY; without `wait` it throws LaneFull at once.
 */
export async function takeTurn(toolboxId: string, wait: boolean, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await consume(toolboxId)
      return
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal
      if (!wait) throw new LaneFull(`toolbox ${toolboxId} has had its calls of this second`)
      // Some later than others, or all would come at the same moment again.
      await sleep(refusal.msBeforeNext + Math.random() * 100, undefined, { signal }).catch(() => {
        throw new DtmaError(
          'TOOLBOX_BUSY',
          `There are more than ${env.DTMA_CALLS_PER_SECOND} calls a second to this toolbox.`,
        )
      })
    }
  }
}

async function consume(toolboxId: string): Promise<void> {
  const { shared, own } = limiters()
  const late = new AbortController()
  try {
    await Promise.race([
      shared.consume(toolboxId),
      sleep(REDIS_MS, undefined, { signal: late.signal }).then(() => own.consume(toolboxId)),
    ])
  } finally {
    late.abort()
  }
}
