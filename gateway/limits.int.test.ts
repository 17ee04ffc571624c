import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { createLimits } from './limits.ts'

let server: TestRedis
let clients: Redis[]

beforeAll(async () => {
  server = await createTestRedis()
  clients = [0, 1].map(() =>
    new Redis(server.url, { maxRetriesPerRequest: 1 }).on('error', () => {
      // One test takes Redis away.
    }),
  )
  await Promise.all(clients.map((client) => client.ping()))
})
afterAll(async () => {
  for (const client of clients) client.disconnect()
  await server.stop()
})

const replicas = (keyPrefix: string, windowSeconds?: number) =>
  clients.map((client) => createLimits(client, { keyPrefix, ...(windowSeconds && { windowSeconds }) }))
const allowed = async (taken: unknown[]) => (await Promise.all(taken)).filter((wait) => wait === null).length

it('replicas together let through what the limit says and not one more, whoever asks how often at once', async () => {
  const [one, two] = replicas('exact')
  const taken = Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? two : one)?.take('agent', 25))
  expect(await allowed(taken)).toBe(25)
  const wait = await one?.take('agent', 25)
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(60_000)
  // Somebody else has calls of their own, and nobody is asked where there is no limit.
  expect(await one?.take('another', 25)).toBeNull()
  expect(one?.take('agent', null)).toBeNull()
})

it('takes blocks of 1%, so that few calls ask Redis and no call is let through beyond the limit', async () => {
  const [one, two] = replicas('blocks')
  const first = one?.take('agent', 1000)
  expect(first).toBeInstanceOf(Promise)
  await first
  for (let n = 0; n < 9; n++) expect(one?.take('agent', 1000)).toBeNull()
  expect(one?.take('agent', 1000)).toBeInstanceOf(Promise)
  const rest = Array.from({ length: 1100 }, () => two?.take('agent', 1000))
  // Eleven were made at the first replica, which keeps what is left of its block.
  expect(await allowed(rest)).toBe(980)
})

it('a limit that was changed applies within the minute, and a new minute begins anew', async () => {
  const [one] = replicas('changed', 1)
  expect(await allowed([1, 2, 3].map(() => one?.take('agent', 2)))).toBe(2)
  expect(await one?.take('agent', 10)).toBeNull()
  await expect.poll(async () => allowed([one?.take('again', 1)])).toBe(1)
  await expect.poll(async () => allowed([one?.take('again', 1)])).toBe(1)
})

it('goes on counting by itself while Redis is away', async () => {
  const [one] = replicas('away')
  await server.stop()
  await expect.poll(() => clients[0]?.status).not.toBe('ready')
  expect(await allowed([1, 2, 3, 4].map(() => one?.take('agent', 3)))).toBe(3)
})
