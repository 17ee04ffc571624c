import type { ConnectionOptions, QueueOptions } from 'bullmq'
import { env } from '#server/env.ts'

/** BullMQ's own prefix; its keys hold `:` already, so ours has none. */
export function queuePrefix(): string {
  return `${env.REDIS_PREFIX}-bull`
}

/** Given as options rather than as a connection, so that `close()` closes it. */
export function workerConnection(): ConnectionOptions {
  return { url: env.REDIS_URL, maxRetriesPerRequest: null }
}

/** One retry: a producer fails within milliseconds while Redis is away, and the outbox keeps the job. */
export function producerOptions(): QueueOptions {
  return {
    connection: { url: env.REDIS_URL, maxRetriesPerRequest: 1, enableOfflineQueue: false },
    prefix: queuePrefix(),
  }
}
