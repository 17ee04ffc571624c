import { Redis } from 'ioredis'
import { env } from '#server/env.ts'
import { logger } from '#server/logger.ts'

const holder = globalThis as typeof globalThis & { toolberthRedis?: Redis }

/** A Redis that hangs keeps its connections open; none of our commands takes long. */
const COMMAND_TIMEOUT_MS = 3_000

/** The process's one connection for commands: fails fast while Redis is away, so that requests get an answer. */
export function redis(): Redis {
  holder.toolberthRedis ??= withLog(
    new Redis(env.REDIS_URL, {
      maxRetriesPerRequest: 1,
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectionName: 'toolberth',
    }),
  )
  return holder.toolberthRedis
}

/** A connection of its own for SUBSCRIBE; the caller closes it. Reconnects and resubscribes by itself. */
export function openSubscriber(): Redis {
  return withLog(new Redis(env.REDIS_URL, { maxRetriesPerRequest: null, connectionName: 'toolberth-sub' }))
}

export async function closeRedis(): Promise<void> {
  const open = holder.toolberthRedis
  holder.toolberthRedis = undefined
  if (open) await open.quit().catch(() => open.disconnect())
}

/** Name of a key or channel of this installation. */
export function redisKey(...parts: string[]): string {
  return [env.REDIS_PREFIX, ...parts].join(':')
}

function withLog(connection: Redis): Redis {
  let away = false
  connection.on('error', (error: Error) => {
    if (!away) logger.warn({ err: error }, 'redis connection lost')
    away = true
  })
  connection.on('ready', () => {
    away = false
  })
  return connection
}
