import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { createSessionStore } from './sessions.ts'

let server: TestRedis
let redis: Redis
beforeAll(async () => {
  server = await createTestRedis()
  redis = new Redis(server.url)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

const record = { protocolVersion: '2025-11-25', clientName: 'test' }

it('keeps a session for its own agent until it ends', async () => {
  const store = createSessionStore(redis, { keyPrefix: 'a' })
  const id = await store.create('one', record)
  expect(id).toMatch(/^[\w-]{32}$/)
  expect(await store.touch('one', id)).toMatchObject(record)
  expect(await store.touch('two', id)).toBeNull()
  expect(await store.touch('one', '#gateway/other')).toBeNull()
  expect(await store.end('two', id)).toBe(false)
  expect(await store.end('one', id)).toBe(true)
  expect(await store.end('one', id)).toBe(false)
  expect(await store.touch('one', id)).toBeNull()
  expect(await redis.keys('a:*')).toEqual([])
})

it('lets every key of a session expire, later with every use', async () => {
  const store = createSessionStore(redis, { keyPrefix: 'b' })
  const id = await store.create('one', record)
  const keys = await redis.keys('b:*')
  expect(keys).toHaveLength(2)
  for (const key of keys) await redis.expire(key, 100)
  await store.touch('one', id)
  for (const key of keys) expect(await redis.ttl(key)).toBeGreaterThan(80_000)
})

it('makes room for a new session by ending the one that was used longest ago', async () => {
  const store = createSessionStore(redis, { keyPrefix: 'c', maxSessions: 3 })
  const ids: string[] = []
  for (let index = 0; index < 3; index++) ids.push(await store.create('one', record))
  // Use is counted in seconds: age two of them.
  await redis.zadd('c:{one}:sessions', 1, ids[0] ?? '', Math.floor(Date.now() / 1000) - 100, ids[1] ?? '')
  await store.touch('one', ids[0] ?? '')
  ids.push(await store.create('one', record))
  const alive = await Promise.all(ids.map(async (id) => (await store.touch('one', id)) !== null))
  expect(alive).toEqual([true, false, true, true])
})
