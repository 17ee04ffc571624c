import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import {
  asSystem,
  seedAgent,
  seedServer,
  seedToolbox,
  seedUser,
  type TestServer,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { startToolboxStandIn } from '#testing/toolbox-stand-in.ts'

const { database } = await useSeededInstallation()
const { runTestAttempt } = await import('#server/connections/run-test.ts')
const { startConnectionTest } = await import('#server/connections/start-test.ts')
const { getTest, testConnection } = await import('#server/connections/test.ts')
const { cancelTest } = await import('#server/connections/cancel-test.ts')
const { requeueLostJobs } = await import('#server/reconcile/lost-jobs.ts')
const { controlCertificates } = await import('#server/toolboxes/identities.ts')
const { retryDelay } = await import('#server/connections/retry-delay.ts')
// Nothing listens at its address.
const toolbox = await seedToolbox()
const [alice, bob] = await Promise.all([seedUser(), seedUser()])
const agent = await seedAgent(alice)
let server: TestServer
beforeEach(async () => {
  server = await seedServer(toolbox.id)
})

const start = () => startConnectionTest({ ctx: alice.ctx, input: { agentId: agent.id, serverId: server.id } })
const read = (id: string) => getTest({ ctx: alice.ctx, input: { id } })

describe('a connection test', () => {
  it('begins as a row and a job', async () => {
    const test = await start()
    expect(test).toMatchObject({ state: 'queued', attempts: [], maxAttempts: 3, failure: null, result: null })
    const jobs = await query(database.adminUrl, `SELECT queue FROM outbox WHERE payload->>'testId' = $1`, [
      test.id,
    ])
    expect(jobs).toEqual([{ queue: 'connection-test' }])
    expect(await refusalOf(getTest({ ctx: bob.ctx, input: { id: test.id } }))).toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  it('is made three times with the waits that it shows, then fails with its cause', async () => {
    const { id } = await start()
    expect(await runTestAttempt({ testId: id })).toMatchObject({ retry: { code: 'CONNECTION_REFUSED' } })
    const first = await read(id)
    expect(first).toMatchObject({ state: 'running', failure: null, finishedAt: null })
    expect(first.attempts).toMatchObject([
      {
        number: 1,
        stages: [{ name: 'connect', state: 'failed', ms: expect.any(Number) }],
        failure: { code: 'CONNECTION_REFUSED' },
        retryInMs: retryDelay(id, 1),
      },
    ])
    expect(await runTestAttempt({ testId: id })).toMatchObject({ retry: { code: 'CONNECTION_REFUSED' } })
    expect(await runTestAttempt({ testId: id })).toBe('ended')
    const ended = await read(id)
    expect(ended).toMatchObject({ state: 'failed', failure: { code: 'CONNECTION_REFUSED' }, result: null })
    expect(ended.attempts.map(({ number, retryInMs }) => [number, retryInMs])).toEqual([
      [1, retryDelay(id, 1)],
      [2, retryDelay(id, 2)],
      [3, null],
    ])
    expect(await runTestAttempt({ testId: id })).toBe('ended')
    expect(await read(id)).toEqual(ended)
  })

  it('tells its user of every step, and nobody else', async () => {
    const { id } = await start()
    await runTestAttempt({ testId: id })
    const events = await query<{ audience: string[] }>(
      database.adminUrl,
      `SELECT audience FROM events WHERE subject_id = $1 AND type = 'connection.test'`,
      [id],
    )
    expect(events.length).toBeGreaterThan(1)
    expect(new Set(events.map(({ audience }) => audience.join()))).toEqual(new Set([`user:${alice.id}`]))
  })

  it('of a server that was stopped, redeployed or deleted meanwhile ends at once', async () => {
    for (const change of [
      () =>
        asSystem((db) =>
          db.instance.update({ where: { id: server.instanceId }, data: { desired: 'stopped' } }),
        ),
      () =>
        asSystem((db) => db.mcpServer.update({ where: { id: server.id }, data: { liveInstanceId: null } })),
    ]) {
      server = await seedServer(toolbox.id)
      const { id } = await start()
      await change()
      expect(await runTestAttempt({ testId: id })).toBe('ended')
      expect(await read(id)).toMatchObject({ state: 'failed', failure: { code: 'SERVER_NOT_RUNNING' } })
    }
  })

  it('that does not exist is no work', async () => {
    expect(await runTestAttempt({ testId: crypto.randomUUID() })).toBe('ended')
  })
})

describe('the wait between attempts', () => {
  it('is 1 s, then 2 s, each up to a quarter more, the same for the same test', () => {
    const ids = Array.from({ length: 200 }, (_, at) => `test-${at}`)
    for (const [made, base] of [
      [1, 1_000],
      [2, 2_000],
    ] as const) {
      const waits = ids.map((id) => retryDelay(id, made))
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(base)
      expect(Math.max(...waits)).toBeLessThanOrEqual(base * 1.25)
      expect(new Set(waits).size).toBeGreaterThan(50)
      expect(ids.map((id) => retryDelay(id, made))).toEqual(waits)
    }
  })
})

describe('a test that is cancelled', async () => {
  const standIn = await startToolboxStandIn((await controlCertificates()).worker)
  afterAll(() => standIn.stop())
  const reachable = await seedToolbox({ url: standIn.url, certificate: standIn.certificate })
  const cancel = (id: string) => cancelTest({ ctx: alice.ctx, input: { id } })
  const CANCELLED = { state: 'cancelled', failure: { code: 'TEST_CANCELLED' }, result: null }

  it('while it is queued ends at once, and is not begun any more', async () => {
    const { id } = await start()
    const cancelled = await cancel(id)
    expect(cancelled).toMatchObject({ ...CANCELLED, attempts: [], finishedAt: expect.any(String) })
    expect(await runTestAttempt({ testId: id })).toBe('ended')
    expect(await read(id)).toEqual(cancelled)
    expect(await cancel(id)).toEqual(cancelled)
  })

  it('while it waits for its next attempt ends at once, and waits no longer', async () => {
    const { id } = await start()
    await runTestAttempt({ testId: id })
    const cancelled = await cancel(id)
    expect(cancelled).toMatchObject({
      ...CANCELLED,
      attempts: [{ number: 1, failure: { code: 'CONNECTION_REFUSED' }, retryInMs: null }],
    })
    expect(await runTestAttempt({ testId: id })).toBe('ended')
    expect(await read(id)).toEqual(cancelled)
  })

  it('while a server keeps it waiting ends at once, and the worker hangs up', async () => {
    server = await seedServer(reachable.id)
    const asked = Promise.withResolvers<void>()
    const hungUp = Promise.withResolvers<void>()
    standIn.instances.set(server.instanceId, (_, response) => {
      asked.resolve()
      response.once('close', () => hungUp.resolve())
    })
    const { id } = await start()
    const running = runTestAttempt({ testId: id })
    await asked.promise
    const cancelled = await cancel(id)
    expect(cancelled).toMatchObject(CANCELLED)
    expect(cancelled.attempts.flatMap(({ stages }) => stages.map(({ state }) => state))).not.toContain(
      'running',
    )
    expect(await running).toBe('ended')
    await hungUp.promise
    expect(await read(id)).toEqual(cancelled)
  })

  it('is told to its user, and cannot be by another', async () => {
    const { id } = await start()
    expect(await refusalOf(cancelTest({ ctx: bob.ctx, input: { id } }))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await read(id)).toMatchObject({ state: 'queued' })
    await cancel(id)
    const events = await query(
      database.adminUrl,
      `SELECT data->>'state' AS state, audience FROM events WHERE subject_id = $1 ORDER BY id DESC LIMIT 1`,
      [id],
    )
    expect(events).toEqual([{ state: 'cancelled', audience: [`user:${alice.id}`] }])
  })
})

describe('F26', () => {
  const states = (id: string) =>
    query<{ state: string }>(
      database.adminUrl,
      `SELECT data->>'state' AS state FROM events WHERE subject_id = $1 ORDER BY id`,
      [id],
    )

  it('F26: a test whose probe answers with a failure ends with it, in every answer and event that a wizard waits for', async () => {
    const waiting = testConnection({
      ctx: alice.ctx,
      input: { agentId: agent.id, serverId: server.id, wait: true },
    })
    const find = () => asSystem((db) => db.connectionTest.findFirst({ where: { serverId: server.id } }))
    await expect.poll(find).not.toBeNull()
    const id = (await find())?.id ?? ''
    while ((await runTestAttempt({ testId: id })) !== 'ended');
    const answer = await waiting
    expect(answer).toMatchObject({
      state: 'failed',
      failure: { code: 'CONNECTION_REFUSED' },
      finishedAt: expect.any(String),
    })
    expect(answer.attempts.flatMap(({ stages }) => stages.map(({ state }) => state))).not.toContain('running')
    expect((await states(id)).at(-1)).toEqual({ state: 'failed' })
  })

  it('F26: a test whose probe throws ends as well, after its attempts', async () => {
    const { id } = await start()
    await asSystem((db) => db.toolbox.update({ where: { id: toolbox.id }, data: { url: 'no address' } }))
    for (const outcome of [{ retry: { code: 'INTERNAL' } }, { retry: { code: 'INTERNAL' } }])
      expect(await runTestAttempt({ testId: id })).toMatchObject(outcome)
    expect(await runTestAttempt({ testId: id })).toBe('ended')
    expect(await read(id)).toMatchObject({ state: 'failed', failure: { code: 'INTERNAL' } })
    await asSystem((db) => db.toolbox.update({ where: { id: toolbox.id }, data: { url: toolbox.url } }))
  })

  it('F26: a test that no worker brings to an end is ended after five minutes', async () => {
    const [{ id }, { id: recent }] = [await start(), await start()]
    await query(
      database.adminUrl,
      `UPDATE connection_tests SET created_at = now() - interval '301 seconds' WHERE id = $1`,
      [id],
    )
    await requeueLostJobs()
    expect(await read(id)).toMatchObject({ state: 'failed', failure: { code: 'PROBE_TIMEOUT' } })
    expect((await states(id)).at(-1)).toEqual({ state: 'failed' })
    expect(await read(recent)).toMatchObject({ state: 'queued' })
  })
})
