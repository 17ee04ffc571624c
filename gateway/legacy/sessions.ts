import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { z } from 'zod'

/** What every replica knows of a session. */
const SessionRecord = z.object({
  protocolVersion: z.string(),
  clientName: z.string(),
  /** As the client declared them. */
  capabilities: z.record(z.string(), z.unknown()).default({}),
  /** Set by `logging/setLevel`. */
  logLevel: z.string().optional(),
  /** URIs of resources that the client wants to hear of, with the connection of each. */
  subscriptions: z.record(z.string(), z.string()).default({}),
})
export type SessionRecord = z.infer<typeof SessionRecord>

export interface SessionStore {
  /** Answers the new session's id. */
  create(agentId: string, record: z.input<typeof SessionRecord>): Promise<string>
  /** Changes a session; null when there is none (any more). `change` may run more than once. */
  update(
    agentId: string,
    sessionId: string,
    change: (record: SessionRecord) => SessionRecord,
  ): Promise<SessionRecord | null>
  /** Reads a session and keeps it alive; `null` when this agent has none of this id. */
  touch(agentId: string, sessionId: string): Promise<SessionRecord | null>
  /** Answers whether there was one. */
  end(agentId: string, sessionId: string): Promise<boolean>
}

/** An editor may sit idle overnight, and most clients do not recover from a lost session. */
const IDLE_SECONDS = 24 * 60 * 60
/** Per agent: a client that initialises in a loop must not fill Redis. The least recently used goes first. */
const MAX_SESSIONS = 500

/** KEYS: index, record. ARGV: id, record, now (s), idle (s), most sessions, prefix of records. */
const CREATE = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3] - ARGV[4])
local over = redis.call('ZCARD', KEYS[1]) + 1 - ARGV[5]
if over > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, over - 1)) do redis.call('DEL', ARGV[6] .. id) end
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, over - 1)
end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1`

/** KEYS: index, record. ARGV: id, now (s), idle (s). */
const TOUCH = `
local record = redis.call('GETEX', KEYS[2], 'EX', ARGV[3])
if record then
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return record`

/** KEYS: record. ARGV: the record as it was read, the new one. Answers 1, or 0 when somebody else was quicker. */
const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1`
/** Requests of one session at the same time are few. */
const MAX_UPDATE_ATTEMPTS = 20

type Scripts = {
  gatewaySessionReplace(...args: (string | number)[]): Promise<number>
  gatewaySessionCreate(...args: (string | number)[]): Promise<number>
  gatewaySessionTouch(...args: (string | number)[]): Promise<string | null>
}

/** Sessions of streamable HTTP in Redis, so that any replica can go on with one. Calls reject when Redis is out of reach. */
export function createSessionStore(
  redis: Redis,
  options: {
    /** Begins the name of every key. */
    keyPrefix: string
    maxSessions?: number
  },
): SessionStore {
  redis.defineCommand('gatewaySessionCreate', { numberOfKeys: 2, lua: CREATE })
  redis.defineCommand('gatewaySessionTouch', { numberOfKeys: 2, lua: TOUCH })
  redis.defineCommand('gatewaySessionReplace', { numberOfKeys: 1, lua: REPLACE })
  const scripts = redis as unknown as Scripts

  // Braces: both keys of an agent lie in one slot of a cluster.
  const prefix = (agentId: string) => `${options.keyPrefix}:{${agentId}}:session:`
  const index = (agentId: string) => `${options.keyPrefix}:{${agentId}}:sessions`
  const nowSeconds = () => Math.floor(Date.now() / 1000)

  return {
    async create(agentId, record) {
      const id = randomBytes(24).toString('base64url')
      await scripts.gatewaySessionCreate(
        index(agentId),
        prefix(agentId) + id,
        id,
        JSON.stringify(record),
        nowSeconds(),
        IDLE_SECONDS,
        options.maxSessions ?? MAX_SESSIONS,
        prefix(agentId),
      )
      return id
    },
    async touch(agentId, sessionId) {
      if (!isSessionId(sessionId)) return null
      const key = prefix(agentId) + sessionId
      const text = await scripts.gatewaySessionTouch(
        index(agentId),
        key,
        sessionId,
        nowSeconds(),
        IDLE_SECONDS,
      )
      return text === null ? null : SessionRecord.parse(JSON.parse(text))
    },
    async update(agentId, sessionId, change) {
      if (!isSessionId(sessionId)) return null
      const key = prefix(agentId) + sessionId
      for (let attempt = 0; attempt < MAX_UPDATE_ATTEMPTS; attempt++) {
        const text = await redis.get(key)
        if (text === null) return null
        const record = change(SessionRecord.parse(JSON.parse(text)))
        if ((await scripts.gatewaySessionReplace(key, text, JSON.stringify(record))) === 1) return record
      }
      throw new Error('A session was changed too often at the same time.')
    },
    async end(agentId, sessionId) {
      if (!isSessionId(sessionId)) return false
      const removed = await redis
        .multi()
        .del(prefix(agentId) + sessionId)
        .zrem(index(agentId), sessionId)
        .exec()
      return removed?.[0]?.[1] === 1
    },
  }
}

/** The form of the ids made here; everything else is unknown without a question to Redis. */
function isSessionId(value: string): boolean {
  return /^[\w-]{32}$/.test(value)
}
