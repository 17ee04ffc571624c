import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, expect, it } from 'vitest'
import type { QueuePressure } from '#contracts/queues.ts'
import type { JobName } from '#server/queues/catalogue.ts'
import { query } from '#testing/database.ts'
import { asSystem, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database, redis } = await useSeededInstallation()
const { JOBS, RECURRING } = await import('./catalogue.ts')
const { enqueue } = await import('./enqueue.ts')
const { startRelay } = await import('./relay.ts')
const { appRouter } = await import('#server/trpc/router.ts')
const { createWorker } = await import('#workers/create-worker.ts')
const { startRecurring } = await import('#workers/recurring.ts')

const admin = await seedUser({ role: 'ADMIN' })
const caller = appRouter.createCaller(admin.ctx)
const endings: (() => Promise<unknown>)[] = []
const endAll = () => Promise.all(endings.splice(0).map((end) => end()))
afterEach(endAll)
afterAll(endAll)

const report = () => caller.status.queues()
const provision = async (): Promise<Partial<QueuePressure> | undefined> =>
  (await report()).queues.find(({ name }) => name === 'provision')
const ask = () => asSystem((db) => enqueue(db, 'provision', { deploymentId: randomUUID() }))
const ALL = [...Object.keys(JOBS), ...Object.keys(RECURRING)]
const WAIT = { timeout: 20_000, interval: 50 }

it('nothing runs: it says so, and what to do', async () => {
  await ask()
  await query(database.adminUrl, "UPDATE outbox SET available_at = now() - interval '20 s'")
  const { state, problem, outbox, queues } = await report()
  expect({ state, code: problem?.code }).toEqual({ state: 'stuck', code: 'NO_WORKER' })
  expect(outbox).toMatchObject({ waiting: 1, state: 'stuck', problem: { code: 'OUTBOX_STUCK' } })
  expect(outbox.oldestMs).toBeGreaterThan(19_000)
  expect(queues.map(({ name, workers }) => [name, workers])).toEqual(ALL.map((name) => [name, 0]))
})

it('jobs are counted where they are: waiting, taken, between steps, done', async () => {
  endings.push(startRelay())
  await expect.poll(async () => (await report()).outbox.waiting, WAIT).toBe(0)
  await ask()
  await expect.poll(provision, WAIT).toMatchObject({ waiting: 2, active: 0, delayed: 0, workers: 0 })
  const gate = Promise.withResolvers<void>()
  let ending = false
  const worker = createWorker('provision', { concurrency: 1 }, async () => {
    await gate.promise
    return ending ? 'done' : { again: 3_000 }
  })
  endings.push(() => worker.close())
  await expect.poll(provision, WAIT).toMatchObject({ waiting: 1, active: 1, workers: 1, state: 'ok' })
  gate.resolve()
  await expect.poll(provision, WAIT).toMatchObject({ waiting: 0, active: 0, delayed: 2 })
  const between = await provision()
  expect(between?.oldestMs).toBeGreaterThan(0)
  expect(between?.waitingMs).toBeNull()
  ending = true
  await expect.poll(provision, WAIT).toMatchObject({ delayed: 0, done: 2, failed: 0, oldestMs: null })
})

it('jobs that fail are counted for an hour, those that delay themselves are not among them', async () => {
  const worker = createWorker('provision', { concurrency: 1 }, () => Promise.reject(new Error('broken')))
  endings.push(startRelay(), () => worker.close())
  await ask()
  await expect.poll(provision, WAIT).toMatchObject({ done: 2, failed: 1 })
})

it('with workers for all of them all is well', async () => {
  const workers = (Object.keys(JOBS) as JobName[]).map((name) =>
    createWorker(name, { concurrency: 1 }, async () => 'done'),
  )
  endings.push(startRelay(), startRecurring(), ...workers.map((worker) => () => worker.close()))
  await expect.poll(async () => (await report()).state, WAIT).toBe('ok')
  const { problem, queues } = await report()
  expect(problem).toBeNull()
  expect(queues.map(({ workers: count }) => count)).toEqual(ALL.map(() => 1))
})

it('a job that has delayed itself waits only since it was due again', async () => {
  const first = createWorker('provision', { concurrency: 1 }, async () => ({ again: 300 }))
  endings.push(startRelay())
  await ask()
  await expect.poll(provision, WAIT).toMatchObject({ workers: 1 })
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  await first.close()
  const waits = await provision()
  expect(waits?.oldestMs).toBeGreaterThan(2_000)
  expect(waits?.waitingMs ?? 0).toBeLessThan(waits?.oldestMs ?? 0)
})

it('Redis is away: it says so, and counts what Postgres keeps', async () => {
  await redis.stop()
  await ask()
  expect(await report()).toMatchObject({
    state: 'stuck',
    problem: { code: 'STORE_UNAVAILABLE' },
    outbox: { waiting: 1 },
    queues: [],
  })
  await redis.start()
  await expect.poll(async () => (await report()).queues.length, WAIT).toBe(ALL.length)
})
