import { randomUUID } from 'node:crypto'
import { Queue } from 'bullmq'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { useTestEnvironment } from '#testing/env.ts'

const { redis } = await useTestEnvironment()
const { producerOptions } = await import('#server/queues/connection.ts')
const { createWorker } = await import('./create-worker.ts')

const queue = new Queue('connection-test', producerOptions())
afterAll(() => queue.close())
const workers: { close(): Promise<void> }[] = []
beforeEach(() => redis.flush())
afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.close())))

type Options = Parameters<typeof createWorker<'connection-test'>>[1]
type Handler = Parameters<typeof createWorker<'connection-test'>>[2]
function work(handle: Handler, options: Partial<Options> = {}): void {
  workers.push(createWorker('connection-test', { concurrency: 5, ...options }, handle))
}
/** As the relay adds it. */
const add = (data: object = { testId: randomUUID() }) =>
  queue.add('connection-test', data, {
    jobId: randomUUID(),
    attempts: 3,
    backoff: { type: 'custom' },
    removeOnComplete: true,
    removeOnFail: true,
  })
const left = () => queue.count()
const WAIT = { timeout: 8_000, interval: 30 }

describe('a worker', () => {
  it('lets a step delay its own job, which then comes again, as often as it likes, however few attempts it has', async () => {
    const calls: { at: number; testId: string }[] = []
    work(async ({ testId }) => {
      calls.push({ at: Date.now(), testId })
      return calls.length < 6 ? { again: 120 } : 'done'
    })
    const { data } = await add()
    await expect.poll(() => calls.length, WAIT).toBe(6)
    await expect.poll(left, WAIT).toBe(0)
    expect(new Set(calls.map(({ testId }) => testId))).toEqual(new Set([data.testId]))
    for (const [at, call] of calls.slice(1).entries())
      expect(call.at - (calls[at]?.at ?? 0)).toBeGreaterThanOrEqual(115)
  })

  it('works on others while one waits', async () => {
    const seen: string[] = []
    const slow = randomUUID()
    work(
      async ({ testId }) => {
        seen.push(testId === slow ? 'slow' : 'quick')
        return testId === slow ? { again: 60_000 } : 'done'
      },
      { concurrency: 1 },
    )
    await add({ testId: slow })
    await expect.poll(() => seen, WAIT).toEqual(['slow'])
    await add()
    await add()
    await expect.poll(() => seen, WAIT).toEqual(['slow', 'quick', 'quick'])
  })

  it('tries what failed again after the time that the handler’s own rule says, three times in all', async () => {
    const calls: number[] = []
    const waits: number[] = []
    work(
      async () => {
        calls.push(Date.now())
        throw new Error('not yet')
      },
      {
        backoff: (made, { testId }) => {
          waits.push(made)
          return testId.length * 5
        },
      },
    )
    await add()
    await expect.poll(() => calls.length, WAIT).toBe(3)
    await expect.poll(left, WAIT).toBe(0)
    expect(waits).toEqual([1, 2])
    for (const [at, call] of calls.slice(1).entries())
      expect(call - (calls[at] ?? 0)).toBeGreaterThanOrEqual(175)
  })

  it('drops a payload of another form at once, and goes on', async () => {
    const seen: unknown[] = []
    work(async (payload) => {
      seen.push(payload)
      return 'done'
    })
    await add({ testId: 'nonsense' })
    await add({})
    const { data } = await add()
    await expect.poll(() => seen, WAIT).toEqual([data])
    await expect.poll(left, WAIT).toBe(0)
  })

  it('goes on where it was after Redis was killed', async () => {
    const seen: string[] = []
    work(async ({ testId }) => {
      seen.push(testId)
      return 'done'
    })
    await add()
    await expect.poll(() => seen.length, WAIT).toBe(1)
    await redis.stop('SIGKILL')
    await redis.start()
    await expect
      .poll(
        () =>
          add().then(
            () => true,
            () => false,
          ),
        WAIT,
      )
      .toBe(true)
    await expect.poll(() => seen.length, WAIT).toBe(2)
  })
})
