import { logger } from '#server/logger.ts'
import { redis, redisKey } from '#server/redis.ts'

/** Channel that says "a check is due"; may be lost, the recurring job looks as well. */
export function checksChannel(): string {
  return redisKey('checks')
}

export function hintChecks(): void {
  redis()
    .publish(checksChannel(), '')
    .catch((error: unknown) => logger.debug({ err: error }, 'hint to check not published'))
}
