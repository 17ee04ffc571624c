import { logger } from '#server/logger.ts'
import { redis, redisKey } from '#server/redis.ts'

/** Channel that says "there are new events"; its messages carry nothing and may be lost. */
export function hintChannel(): string {
  return redisKey('events')
}

/** Never throws and never waits long: a lost hint costs at most the tailers' poll interval. */
export function publishHint(): void {
  redis()
    .publish(hintChannel(), '')
    .catch((error: unknown) => logger.debug({ err: error }, 'event hint not published'))
}
