import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { cacheSessions } from './session-cache.ts'
import { createSessionStore, type SessionStore } from './sessions.ts'

let server: TestRedis
const clients: Redis[] = []
const connect = () => {
  const client = new Redis(server.url, { maxRetriesPerRequest: 1 })
  clients.push(client)
  return client
}

beforeAll(async () => {
  server = await createTestRedis()
})
afterAll(async () => {
  for (const client of clients) client.disconnect()
  await server.stop()
})

/** A replica, with what it asked of Redis. */
async function replica(maxAgeMs: number): Promise<{ sessions: SessionStore; asked: string[] }> {
  const redis = connect()
  const asked: string[] = []
  const store = createSessionStore(redis, { keyPrefix: 'cache' })
  const counted: SessionStore = {
    ...store,
    touch(agentId, sessionId) {
      asked.push(agentId)
      return store.touch(agentId, sessionId)
    },
  }
  const options = { redis, subscriber: connect(), channel: 'cache:sessions', maxAgeMs }
  return { sessions: await cacheSessions(counted, options), asked }
}

const RECORD = { protocolVersion: '2025-11-25', clientName: 'test' }

it('asks once for a session that is used often, again after a while, and for each agent on its own', async () => {
  const { sessions, asked } = await replica(300)
  const id = await sessions.create('a', RECORD)
  await Promise.all([sessions.touch('a', id), sessions.touch('a', id)])
  expect(await sessions.touch('a', id)).toMatchObject(RECORD)
  expect(asked).toEqual(['a'])
  expect(await sessions.touch('b', id)).toBeNull()
  expect(await sessions.touch('b', id)).toBeNull()
  expect(asked).toEqual(['a', 'b', 'b'])
  await expect.poll(async () => (await sessions.touch('a', id), asked.length)).toBeGreaterThan(3)
})

it('knows of an end at once, here and at another replica', async () => {
  const [one, two] = await Promise.all([replica(60_000), replica(60_000)])
  const id = await one.sessions.create('a', RECORD)
  expect(await two.sessions.touch('a', id)).toMatchObject(RECORD)
  await one.sessions.touch('a', id)
  expect(await one.sessions.end('a', id)).toBe(true)
  expect(await one.sessions.touch('a', id)).toBeNull()
  await expect.poll(() => two.sessions.touch('a', id)).toBeNull()
})
