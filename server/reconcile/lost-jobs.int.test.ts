import { Queue } from 'bullmq'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { seedAgent, seedServer, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database, redis } = await useSeededInstallation()
const { producerOptions } = await import('#server/queues/connection.ts')
const { startRelay } = await import('#server/queues/relay.ts')
const { createDeployment } = await import('#server/deployments/create.ts')
const { requeueLostJobs } = await import('#server/reconcile/lost-jobs.ts')
const { startConnectionTest } = await import('#server/connections/start-test.ts')
const { startRecurring } = await import('#workers/recurring.ts')
const admin = await seedUser({ role: 'ADMIN' })
const toolbox = await seedToolbox({ memoryMb: 100_000 })

interface OutboxRow {
  id: string
  queue: string
  payload: unknown
  relayed: boolean
}
const outbox = () =>
  query<OutboxRow>(
    database.adminUrl,
    'SELECT id, queue, payload, relayed_at IS NOT NULL AS relayed FROM outbox ORDER BY created_at',
  )
let made = 0
const deploy = () =>
  createDeployment({
    ctx: admin.ctx,
    input: { name: `server-${++made}`, source: { type: 'npm', package: 'x' }, transport: 'stdio' },
  })
const untouchedFor = (seconds: number) =>
  query(database.adminUrl, 'UPDATE deployments SET touched_at = now() - make_interval(secs => $1)', [seconds])

const queue = new Queue('provision', producerOptions())
afterAll(() => queue.close())
const WAIT = { timeout: 8_000, interval: 50 }
beforeEach(() =>
  query(database.adminUrl, 'DELETE FROM outbox; DELETE FROM deployments; DELETE FROM connection_tests'),
)

describe('a deployment whose job was lost', () => {
  it('with an emptied Redis is queued again, under a new id that the queue has never seen', async () => {
    const stop = startRelay()
    const { deploymentId } = await deploy()
    await expect.poll(async () => (await outbox())[0]?.relayed, WAIT).toBe(true)
    await redis.flush()
    expect(await queue.count()).toBe(0)
    await requeueLostJobs()
    expect(await outbox()).toHaveLength(1)
    await untouchedFor(16)
    await requeueLostJobs()
    await expect.poll(() => queue.count(), WAIT).toBe(1)
    const [first, second, ...more] = await outbox()
    expect(more).toEqual([])
    expect(second?.id).not.toBe(first?.id)
    expect(second?.payload).toEqual({ deploymentId })
    expect((await queue.getJobs()).map(({ id }) => id)).toEqual([second?.id])
    await stop()
  })

  it('is queued again once, however many sweeps find it', async () => {
    await deploy()
    await untouchedFor(16)
    await Promise.all([requeueLostJobs(), requeueLostJobs(), requeueLostJobs()])
    expect(await outbox()).toHaveLength(2)
  })

  it.each([
    ['state = \'failed\', failure = \'{"code": "INTERNAL"}\', finished_at = now()', 2, 'not cleaned up'],
    ['state = \'rolled_back\', failure = \'{"code": "INTERNAL"}\', finished_at = now()', 2, 'rolled back'],
    ["state = 'cancelled', finished_at = now()", 2, 'cancelled and not cleaned up'],
    [
      'state = \'failed\', failure = \'{"code": "INTERNAL"}\', finished_at = now(), cleaned_up_at = now()',
      1,
      'cleaned up',
    ],
    ["state = 'live', finished_at = now()", 1, 'live'],
    ["state = 'probing'", 2, 'probing'],
  ])('when %s leaves %i outbox rows (%s)', async (set, rows) => {
    await deploy()
    await query(database.adminUrl, `UPDATE deployments SET ${set}`)
    await untouchedFor(16)
    await requeueLostJobs()
    expect(await outbox()).toHaveLength(rows)
  })
})

describe('a connection test whose job was lost', () => {
  it('is queued again, not while an attempt may still be going on', async () => {
    const user = await seedUser()
    const agent = await seedAgent(user)
    const server = await seedServer(toolbox.id)
    const test = await startConnectionTest({
      ctx: user.ctx,
      input: { agentId: agent.id, serverId: server.id },
    })
    await requeueLostJobs()
    expect(await outbox()).toHaveLength(1)
    await query(database.adminUrl, `UPDATE outbox SET created_at = now() - interval '1 hour'`)
    await query(database.adminUrl, `UPDATE connection_tests SET created_at = now() - interval '2 minutes'`)
    const attempt = [
      { number: 1, startedAt: new Date().toISOString(), stages: [], failure: null, retryInMs: null },
    ]
    await query(database.adminUrl, 'UPDATE connection_tests SET attempts = $1', [JSON.stringify(attempt)])
    await requeueLostJobs()
    expect(await outbox()).toHaveLength(1)
    await query(database.adminUrl, `UPDATE connection_tests SET attempts = '[]'`)
    await requeueLostJobs()
    await requeueLostJobs()
    const rows = await outbox()
    expect(rows.map(({ queue, payload }) => ({ queue, payload }))).toEqual(
      Array.from({ length: 2 }, () => ({ queue: 'connection-test', payload: { testId: test.id } })),
    )
  })
})

describe('outbox rows', () => {
  it('that were handed over long ago are removed, and no others', async () => {
    await deploy()
    await query(database.adminUrl, `UPDATE outbox SET relayed_at = now() - interval '61 minutes'`)
    await deploy()
    await requeueLostJobs()
    expect((await outbox()).map(({ relayed }) => relayed)).toEqual([false])
  })
})

describe('recurring jobs', () => {
  it('come back after Redis was emptied', async () => {
    const stop = startRecurring(200)
    const recurring = new Queue('reconcile', producerOptions())
    const sync = new Queue('status-sync', producerOptions())
    const schedulers = async () => [
      ...(await recurring.getJobSchedulers()).map(({ key }) => key),
      ...(await sync.getJobSchedulers()).map(({ key }) => key),
    ]
    await expect.poll(schedulers, WAIT).toEqual(['reconcile', 'status-sync'])
    await redis.flush()
    await deploy()
    await untouchedFor(16)
    await expect.poll(schedulers, WAIT).toEqual(['reconcile', 'status-sync'])
    await expect.poll(async () => (await outbox()).length, WAIT).toBe(2)
    await Promise.all([stop(), recurring.close(), sync.close()])
  })
})
