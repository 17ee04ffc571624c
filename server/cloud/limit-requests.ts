import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { env } from '#server/env.ts'
import { redis, redisKey } from '#server/redis.ts'
import { CloudError } from './provider.ts'

const KEY = 'digitalocean'

let limiter: RateLimiterRedis | undefined

function opened(): RateLimiterRedis {
  const limit = { points: env.DIGITALOCEAN_REQUESTS_PER_MINUTE, duration: 60 }
  limiter ??= new RateLimiterRedis({
    ...limit,
    storeClient: redis(),
    keyPrefix: redisKey('cloud'),
    // While Redis is away each process counts for itself.
    insuranceLimiter: new RateLimiterMemory(limit),
  })
  return limiter
}

/** One request more, counted over all processes of the installation. Throws CloudError `limited`. */
export async function admitRequest(): Promise<void> {
  try {
    await opened().consume(KEY)
  } catch (reason) {
    if (!(reason instanceof RateLimiterRes)) throw reason
    throw new CloudError(
      'limited',
      `Too many requests to DigitalOcean; again in ${Math.ceil(reason.msBeforeNext / 1000)} s`,
      reason.msBeforeNext,
    )
  }
}

/** Keeps every process quiet for as long as the cloud asked. */
export async function pauseRequests(milliseconds: number): Promise<void> {
  await opened().block(KEY, Math.ceil(milliseconds / 1000))
}
