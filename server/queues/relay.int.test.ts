import { randomUUID } from 'node:crypto'
import { Queue } from 'bullmq'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { asSystem, useSeededInstallation } from '#testing/seeded.ts'

const { database, redis } = await useSeededInstallation()
const { producerOptions } = await import('#server/queues/connection.ts')
const { enqueue } = await import('#server/queues/enqueue.ts')
const { startRelay } = await import('#server/queues/relay.ts')

const queue = new Queue('provision', producerOptions())
queue.on('error', () => {
  // Some tests take Redis away.
})
afterAll(() => queue.close())

const relays: (() => Promise<void>)[] = []
beforeEach(async () => {
  await redis.flush()
  await query(database.adminUrl, 'DELETE FROM outbox')
})
afterEach(() => Promise.all(relays.splice(0).map((stop) => stop())))
const relay = () => relays.push(startRelay())

const add = (options?: { delayMs?: number }) =>
  asSystem((db) => enqueue(db, 'provision', { deploymentId: randomUUID() }, options))
const jobIds = async () =>
  (await queue.getJobs(['waiting', 'delayed', 'prioritized', 'active']))
    .map(({ id }) => String(id))
    .toSorted()
const relayed = async () =>
  (
    await query<{ id: string }>(
      database.adminUrl,
      'SELECT id FROM outbox WHERE relayed_at IS NOT NULL ORDER BY id',
    )
  ).map(({ id }) => id)
const WAIT = { timeout: 8_000, interval: 30 }

describe('the outbox relay', () => {
  it('hands over what was committed, under the id of its row, and marks it', async () => {
    relay()
    const deploymentId = randomUUID()
    const id = await asSystem((db) => enqueue(db, 'provision', { deploymentId }))
    await expect.poll(jobIds, WAIT).toEqual([id])
    const job = await queue.getJob(id)
    expect({ name: job?.name, data: job?.data }).toEqual({ name: 'provision', data: { deploymentId } })
    expect(job?.opts).toMatchObject({ removeOnComplete: true, removeOnFail: true, attempts: 1 })
    await expect.poll(relayed, WAIT).toEqual([id])
  })

  it('hands over nothing of a transaction that failed', async () => {
    relay()
    const failed = asSystem(async (db) => {
      await enqueue(db, 'provision', { deploymentId: randomUUID() })
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    const id = await add()
    await expect.poll(relayed, WAIT).toEqual([id])
    expect(await jobIds()).toEqual([id])
  })

  it('refuses a payload of another form before anything is written', async () => {
    const wrong = asSystem((db) => enqueue(db, 'provision', { deploymentId: 'nonsense' }))
    await expect(wrong).rejects.toThrow('not an id')
    expect(await query(database.adminUrl, 'SELECT 1 FROM outbox')).toEqual([])
  })

  it('waits for what is meant for later', async () => {
    relay()
    const later = await add({ delayMs: 900 })
    const now = await add()
    await expect.poll(jobIds, WAIT).toEqual([now])
    await expect.poll(jobIds, WAIT).toEqual([later, now].toSorted())
  })

  it('hands over everything that waited while it was away, more than a batch too', async () => {
    const ids = await Promise.all(Array.from({ length: 250 }, () => add()))
    relay()
    await expect.poll(relayed, WAIT).toEqual(ids.toSorted())
    expect(await jobIds()).toEqual(ids.toSorted())
  })

  it('hands over again what it may have handed over, and a job that waits stays one', async () => {
    const id = await add()
    relay()
    await expect.poll(relayed, WAIT).toEqual([id])
    // As when the relay ended between the hand-over and its mark.
    await query(database.adminUrl, 'UPDATE outbox SET relayed_at = NULL')
    await expect.poll(relayed, WAIT).toEqual([id])
    expect(await jobIds()).toEqual([id])
  })

  it('may run several times', async () => {
    relay()
    relay()
    relay()
    const ids = await Promise.all(Array.from({ length: 30 }, () => add()))
    await expect.poll(relayed, WAIT).toEqual(ids.toSorted())
    expect(await jobIds()).toEqual(ids.toSorted())
  })

  it('keeps what it cannot hand over while Redis is away', async () => {
    relay()
    await expect.poll(async () => relayed(), WAIT).toEqual([])
    await redis.stop('SIGKILL')
    const id = await add()
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(await relayed()).toEqual([])
    await redis.start()
    await expect.poll(relayed, WAIT).toEqual([id])
    await expect.poll(jobIds, WAIT).toEqual([id])
  })

  it('goes on after Postgres was away', async () => {
    relay()
    await query(
      database.adminUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'toolberth_app'`,
    )
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
    await expect.poll(async () => (await relayed()).length, WAIT).toBe(1)
  })
})
