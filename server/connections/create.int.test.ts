import { beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import {
  asSystem,
  ECHO,
  seedAgent,
  seedPassedTest,
  seedServer,
  seedToolbox,
  seedUser,
  type TestServer,
  type TestUser,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { createConnection } = await import('#server/connections/create.ts')
const { disconnect } = await import('#server/connections/disconnect.ts')
const { listAvailable, listConnections } = await import('#server/connections/list.ts')
const toolbox = await seedToolbox()

let alice: TestUser
let bob: TestUser
let agent: { id: string }
let server: TestServer
beforeEach(async () => {
  await query(
    database.adminUrl,
    'TRUNCATE mcp_servers, agents, connections, connection_tests, events CASCADE',
  )
  ;[alice, bob] = await Promise.all([seedUser(), seedUser()])
  agent = await seedAgent(alice)
  server = await seedServer(toolbox.id, { name: 'everything' })
})

type Change = Partial<Parameters<typeof createConnection>[0]['input']>
/** Connects alice's agent with a test that passed, unless told otherwise. */
async function connect(change: Change = {}, user = alice) {
  const input = { agentId: agent.id, serverId: server.id, prefixTools: true, ...change }
  const testId =
    'testId' in change
      ? change.testId
      : await seedPassedTest(alice, agent.id, { ...server, id: input.serverId })
  return createConnection({ ctx: user.ctx, input: { ...input, testId } })
}
async function refused(work: () => Promise<unknown>) {
  const before = await checksumTables(database.adminUrl, { except: ['connection_tests'] })
  const { code, fields, detail } = await refusalOf(work())
  expect(await checksumTables(database.adminUrl, { except: ['connection_tests'] })).toEqual(before)
  return { code, ...(fields && { fields: Object.keys(fields) }), ...(detail !== undefined && { detail }) }
}

describe('connecting', () => {
  it('writes the connection, its event and its audit entry after a test that passed', async () => {
    const connection = await connect()
    expect(connection).toMatchObject({
      agentId: agent.id,
      server: { id: server.id, name: 'everything', state: 'running' },
      slug: 'everything',
      prefixTools: true,
      state: 'connected',
      latencyMs: 12,
      tools: [{ name: `everything__${ECHO.name}`, title: null, description: ECHO.description }],
    })
    const events = await query(
      database.adminUrl,
      `SELECT type, audience FROM events WHERE type LIKE 'connection%'`,
    )
    expect(events).toEqual([{ type: 'connection.created', audience: [`user:${alice.id}`] }])
    const [entry] = await query(
      database.adminUrl,
      `SELECT actor, action, detail FROM audit_entries WHERE subject_id = '${connection.id}'`,
    )
    expect(entry).toMatchObject({
      actor: `user:${alice.email}`,
      action: 'connection.create',
      detail: { agentId: agent.id, serverId: server.id, slug: 'everything' },
    })
  })

  it('can leave the tools their names, under a prefix that is chosen', async () => {
    const connection = await connect({ prefixTools: false, slug: 'mine' })
    expect(connection).toMatchObject({ slug: 'mine', tools: [{ name: ECHO.name }] })
  })

  it('shows in what is available, and in the list', async () => {
    const { id } = await connect()
    const input = { agentId: agent.id }
    expect((await listConnections({ ctx: alice.ctx, input })).items.map((one) => one.id)).toEqual([id])
    const available = await listAvailable({ ctx: alice.ctx, input })
    expect(available.items).toMatchObject([{ id: server.id, connectionId: id, tools: [{ name: ECHO.name }] }])
  })

  it('is of one’s own agent, to a server that one may see', async () => {
    const test = await seedPassedTest(alice, agent.id, server)
    expect(await refused(() => connect({ testId: test }, bob))).toEqual({ code: 'NOT_FOUND' })
    const hidden = await seedServer(toolbox.id, { visibility: 'restricted', grants: [bob.id] })
    expect(await refused(() => connect({ serverId: hidden.id }))).toEqual({ code: 'NOT_FOUND' })
    const bobs = await seedAgent(bob)
    expect(await refused(() => connect({ agentId: bobs.id, testId: test }, bob))).toEqual({
      code: 'NOT_FOUND',
    })
    await asSystem((db) => db.serverGrant.create({ data: { serverId: hidden.id, userId: alice.id } }))
    const granted = await seedPassedTest(alice, agent.id, hidden)
    expect(await connect({ serverId: hidden.id, testId: granted })).toMatchObject({ state: 'connected' })
  })

  it.each(['deploying', 'stopping', 'stopped', 'failed', 'unreachable', 'deleting'] as const)(
    'needs a server that runs, not one that is %s',
    async (observed) => {
      await asSystem((db) => db.mcpServer.update({ where: { id: server.id }, data: { observed } }))
      expect(await refused(() => connect())).toEqual({
        code: 'SERVER_NOT_RUNNING',
        detail: `everything is ${observed}.`,
      })
    },
  )

  it('needs a server that is wanted to run, and that went live', async () => {
    const set = (data: object) => asSystem((db) => db.mcpServer.update({ where: { id: server.id }, data }))
    await set({ desired: 'stopped' })
    expect(await refused(() => connect())).toMatchObject({ code: 'SERVER_NOT_RUNNING' })
    await set({ desired: 'running', liveInstanceId: null })
    expect(await refused(() => connect())).toMatchObject({ code: 'SERVER_NOT_RUNNING' })
    await set({ deletedAt: new Date() })
    expect(await refused(() => connect())).toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a second connection', () => {
  it('of agent and server is refused', async () => {
    await connect()
    expect(await refused(() => connect({ slug: 'other' }))).toEqual({ code: 'ALREADY_CONNECTED' })
  })

  it('made at the same time is refused', async () => {
    const test = await seedPassedTest(alice, agent.id, server)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, at) => connect({ testId: test, slug: `slug-${at}` })),
    )
    const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
    expect(codes).toEqual(Array.from({ length: 5 }, () => 'ALREADY_CONNECTED'))
    const rows = await query(database.adminUrl, 'SELECT 1 FROM connections')
    expect(rows).toHaveLength(1)
  })

  it('under a prefix that is taken is refused, at the same time too', async () => {
    const others = await Promise.all([seedServer(toolbox.id), seedServer(toolbox.id), seedServer(toolbox.id)])
    const tests = await Promise.all(others.map((one) => seedPassedTest(alice, agent.id, one)))
    const outcomes = await Promise.allSettled(
      others.map((one, at) => connect({ serverId: one.id, testId: tests[at], slug: 'same' })),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
    expect(codes).toEqual(['SLUG_TAKEN', 'SLUG_TAKEN'])
    expect(await refused(() => connect({ slug: 'same' }))).toEqual({ code: 'SLUG_TAKEN', fields: ['slug'] })
    expect(await connect()).toMatchObject({ slug: 'everything' })
  })

  it('of another agent may have the same prefix', async () => {
    await connect()
    const second = await seedAgent(alice, 'second')
    const test = await seedPassedTest(alice, second.id, server)
    expect(await connect({ agentId: second.id, testId: test })).toMatchObject({ slug: 'everything' })
  })

  it('is possible after the first was ended, again and again', async () => {
    for (let turn = 0; turn < 3; turn++) {
      const { id } = await connect()
      const ended = await disconnect({ ctx: alice.ctx, input: { id } })
      expect(ended).toMatchObject({ id, state: 'disconnected' })
      expect(await disconnect({ ctx: alice.ctx, input: { id } })).toEqual(ended)
    }
    expect((await listConnections({ ctx: alice.ctx, input: { agentId: agent.id } })).items).toEqual([])
    const entries = await query(
      database.adminUrl,
      `SELECT 1 FROM audit_entries WHERE action = 'connection.disconnect'`,
    )
    expect(entries).toHaveLength(3)
  })
})

describe('the test', () => {
  const set = (id: string, data: object) =>
    asSystem((db) => db.connectionTest.update({ where: { id }, data }))

  it('must be of this agent and server', async () => {
    const second = await seedAgent(alice, 'second')
    const other = await seedServer(toolbox.id)
    const ofAgent = await seedPassedTest(alice, second.id, server)
    const ofServer = await seedPassedTest(alice, agent.id, other)
    const answer = { code: 'TEST_NOT_PASSED', fields: ['testId'] }
    expect(await refused(() => connect({ testId: ofAgent }))).toEqual(answer)
    expect(await refused(() => connect({ testId: ofServer }))).toEqual(answer)
  })

  it('must be one’s own', async () => {
    const bobs = await seedAgent(bob)
    const test = await seedPassedTest(bob, bobs.id, server)
    expect(await refused(() => connect({ testId: test }))).toEqual({ code: 'NOT_FOUND' })
  })

  it('must have passed', async () => {
    const test = await seedPassedTest(alice, agent.id, server)
    await set(test, { state: 'failed', failure: { code: 'AUTH_REQUIRED', detail: 'no key' } })
    expect(await refused(() => connect({ testId: test }))).toEqual({
      code: 'AUTH_REQUIRED',
      detail: 'no key',
    })
    await query(database.adminUrl, `UPDATE connection_tests SET state = 'cancelled', failure = NULL`)
    expect(await refused(() => connect({ testId: test }))).toMatchObject({ code: 'TEST_NOT_PASSED' })
  })

  it('counts for five minutes', async () => {
    const ago = (ms: number) => seedPassedTest(alice, agent.id, server, new Date(Date.now() - ms))
    const old = await ago(5 * 60_000 + 1_000)
    expect(await refused(() => connect({ testId: old }))).toMatchObject({ code: 'TEST_NOT_PASSED' })
    const recent = await ago(4 * 60_000)
    expect(await connect({ testId: recent })).toMatchObject({ state: 'connected' })
  })

  it('does not count for an instance that went live after it', async () => {
    const test = await seedPassedTest(alice, agent.id, { ...server, instanceId: crypto.randomUUID() })
    expect(await refused(() => connect({ testId: test }))).toMatchObject({
      code: 'TEST_NOT_PASSED',
      detail: expect.stringContaining('redeployed'),
    })
  })
})
