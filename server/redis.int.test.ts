import { afterAll, expect, it } from 'vitest'
import { useTestEnvironment } from '#testing/env.ts'

const { redis: server } = await useTestEnvironment()
const { closeRedis, redis } = await import('./redis.ts')

afterAll(closeRedis)

it('answers with an error while Redis hangs, and works again after', async () => {
  expect(await redis().ping()).toBe('PONG')
  process.kill(server.pid, 'SIGSTOP')
  try {
    await expect(redis().ping()).rejects.toThrow('Command timed out')
  } finally {
    process.kill(server.pid, 'SIGCONT')
  }
  expect(await redis().ping()).toBe('PONG')
})

it('answers with an error while Redis is gone, and works again after', async () => {
  await server.stop('SIGKILL')
  await expect(redis().ping()).rejects.toThrow(Error)
  await server.start()
  expect(await redis().ping()).toBe('PONG')
})
