import { logger } from '#server/logger.ts'
import { redis, redisKey } from '#server/redis.ts'

/** Channel that asks the workers to reconcile now rather than at the next turn; may be lost. */
export function reconcileChannel(): string {
  return redisKey('reconcile')
}

export function hintReconcile(): void {
  redis()
    .publish(reconcileChannel(), '')
    .catch((error: unknown) => logger.debug({ err: error }, 'reconcile hint not published'))
}
