import type { Redis } from 'ioredis'
import type { SessionRecord, SessionStore } from './sessions.ts'

/** As old as rights may be (design, rule 13), milliseconds. */
const MAX_AGE_MS = 500
/** Of a process; more only cost a question to Redis sooner. */
const MAX_ENTRIES = 10_000

type Change = Parameters<SessionStore['update']>[2]

interface Entry {
  readAt: number
  record: Promise<SessionRecord | null>
}

/**
 * Remembers what Redis said of a session for half a second, so that an agent that calls often does not ask for each call; what
 * keeps a session alive there needs no more. Whoever changes or ends a session tells the other replicas; when that is lost they know
 * after the half second. While Redis is away nothing is remembered.
 */
export async function cacheSessions(
  store: SessionStore,
  options: { redis: Redis; subscriber: Redis; channel: string; maxAgeMs?: number },
): Promise<SessionStore> {
  const { redis, subscriber, channel } = options
  const maxAgeMs = options.maxAgeMs ?? MAX_AGE_MS
  /** By agent and session, for no agent finds another's; oldest first. */
  const entries = new Map<string, Entry>()

  function remember(key: string, entry: Entry): void {
    entries.delete(key)
    entries.set(key, entry)
    for (const [oldest, { readAt }] of entries) {
      if (entries.size <= MAX_ENTRIES && entry.readAt - readAt <= maxAgeMs) return
      entries.delete(oldest)
    }
  }

  subscriber.on('message', (from, key) => {
    if (from === channel) entries.delete(key)
  })
  await subscriber.subscribe(channel)

  /** For what changes a session: it is read anew everywhere afterwards. */
  function changing<Rest extends unknown[], Result>(
    change: (agentId: string, sessionId: string, ...rest: Rest) => Promise<Result>,
  ) {
    return async (agentId: string, sessionId: string, ...rest: Rest): Promise<Result> => {
      const key = `${agentId}:${sessionId}`
      try {
        return await change(agentId, sessionId, ...rest)
      } finally {
        entries.delete(key)
        await redis.publish(channel, key).catch(() => {})
      }
    }
  }

  return {
    ...store,
    end: changing((agentId, sessionId) => store.end(agentId, sessionId)),
    update: changing((agentId, sessionId, change: Change) => store.update(agentId, sessionId, change)),
    async touch(agentId, sessionId) {
      const key = `${agentId}:${sessionId}`
      const now = performance.now()
      const known = entries.get(key)
      if (known && now - known.readAt <= maxAgeMs && redis.status === 'ready') return known.record
      const record = store.touch(agentId, sessionId)
      const entry = { readAt: now, record }
      remember(key, entry)
      const drop = () => {
        if (entries.get(key) === entry) entries.delete(key)
      }
      record.then((found) => found ?? drop(), drop)
      return record
    },
  }
}
