import { beforeEach, describe, expect, it } from 'vitest'
import type { ToolDefinition } from '#contracts/probe.ts'
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

const { database } = await useSeededInstallation()
const { createConnection } = await import('./create.ts')
const { updateConnection } = await import('./update.ts')
const { approveTools } = await import('./approve.ts')
const { getConnection } = await import('./detail.ts')
const { disconnect } = await import('./disconnect.ts')
const { listConnectionEvents } = await import('./events.ts')
const { startConnectionTest } = await import('./start-test.ts')
const { openCredentials } = await import('./open-credentials.ts')
const { openTestCredentials, pruneTestCredentials, saveTestCredentials } = await import(
  './test-credentials.ts'
)
const { recordTools } = await import('#server/mcp-servers/record-tools.ts')
const { readRightsVersion } = await import('#server/agents/gateway-rights.ts')
const toolbox = await seedToolbox()
const ADD = { name: 'add', description: 'Adds.', inputSchema: { type: 'object' as const } }
const CHANGED = { ...ECHO, description: 'Sends what it is given to somebody else.' }

let alice: TestUser
let agent: { id: string }
let server: TestServer
beforeEach(async () => {
  await query(
    database.adminUrl,
    'TRUNCATE mcp_servers, agents, connections, connection_tests, events CASCADE',
  )
  alice = await seedUser()
  agent = await seedAgent(alice)
  server = await seedServer(toolbox.id, { name: 'everything' })
})

type Create = Partial<Parameters<typeof createConnection>[0]['input']>
async function connect(change: Create = {}) {
  const testId = await seedPassedTest(alice, agent.id, server)
  const input = { agentId: agent.id, serverId: server.id, testId, ...change }
  return createConnection({ ctx: alice.ctx, input })
}
const offer = (...tools: ToolDefinition[]) => asSystem((db) => recordTools(db, server.id, tools))
const detail = (id: string) => getConnection({ ctx: alice.ctx, input: { id } })
const asks = (userCredentials: object[], transport = 'streamable-http') =>
  asSystem((db) => db.mcpServer.update({ where: { id: server.id }, data: { userCredentials, transport } }))
async function audit(id: string) {
  const rows = await query<{ action: string; detail: object }>(
    database.adminUrl,
    `SELECT action, detail FROM audit_entries WHERE subject_id = '${id}' ORDER BY id`,
  )
  return rows
}

describe('settings', () => {
  it('have defaults, are given at the beginning, and are changed one by one', async () => {
    const { id } = await connect({ timeoutMs: 5000, callsPerMinute: 30 })
    const defaults = { retries: 1, logArguments: false, maxConcurrent: null, pinPolicy: 'hold' }
    expect((await detail(id)).settings).toEqual({ ...defaults, timeoutMs: 5000, callsPerMinute: 30 })
    const changed = await updateConnection({
      ctx: alice.ctx,
      input: { id, callsPerMinute: null, pinPolicy: 'warn', slug: 'mine' },
    })
    expect(changed).toMatchObject({ slug: 'mine', tools: [{ exposedName: `mine__${ECHO.name}` }] })
    expect(changed.settings).toEqual({
      ...defaults,
      timeoutMs: 5000,
      callsPerMinute: null,
      pinPolicy: 'warn',
    })
    expect(await audit(id)).toMatchObject([
      { action: 'connection.create' },
      { action: 'connection.update', detail: { pinPolicy: 'warn', slug: 'mine' } },
    ])
  })

  it('F25: are of a connection that goes on; one that has ended is made anew, with its history', async () => {
    const { id } = await connect()
    await query(
      database.adminUrl,
      `INSERT INTO connection_checks (connection_id, ok, latency_ms) VALUES ('${id}', true, 7)`,
    )
    await disconnect({ ctx: alice.ctx, input: { id } })
    const refusal = refusalOf(updateConnection({ ctx: alice.ctx, input: { id, retries: 0 } }))
    expect(await refusal).toMatchObject({ code: 'CONNECTION_ENDED' })
    const again = await connect()
    expect(again.id).not.toBe(id)
    expect((await detail(again.id)).checks).toMatchObject([{ ok: true, latencyMs: 7 }])
  })

  it('are nobody else’s', async () => {
    const { id } = await connect()
    const bob = await seedUser()
    for (const work of [
      () => getConnection({ ctx: bob.ctx, input: { id } }),
      () => updateConnection({ ctx: bob.ctx, input: { id, retries: 0 } }),
      () => approveTools({ ctx: bob.ctx, input: { id } }),
    ])
      expect(await refusalOf(work())).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('refuse a prefix that is another connection’s', async () => {
    const { id } = await connect()
    const other = await seedServer(toolbox.id)
    const testId = await seedPassedTest(alice, agent.id, other)
    await createConnection({
      ctx: alice.ctx,
      input: { agentId: agent.id, serverId: other.id, testId, slug: 'other' },
    })
    const refusal = await refusalOf(updateConnection({ ctx: alice.ctx, input: { id, slug: 'other' } }))
    expect(refusal).toMatchObject({ code: 'SLUG_TAKEN', fields: { slug: [expect.any(String)] } })
  })

  it('move the version that gateways watch', async () => {
    const { id } = await connect()
    for (const input of [
      { timeoutMs: 2000 },
      { tools: [{ name: ECHO.name, enabled: false }] },
      { tools: [{ name: ECHO.name, alias: 'say' }] },
      { logArguments: true },
    ]) {
      const before = await readRightsVersion()
      await updateConnection({ ctx: alice.ctx, input: { id, ...input } })
      expect(await readRightsVersion()).toBeGreaterThan(before)
    }
  })
})

describe('tools', () => {
  it('are switched off and renamed, each name once', async () => {
    await offer(ECHO, ADD)
    const { id } = await connect({ tools: [{ name: ECHO.name, alias: 'say' }] })
    const update = (tools: { name: string; enabled?: boolean; alias?: string | null }[]) =>
      updateConnection({ ctx: alice.ctx, input: { id, tools } })
    expect((await detail(id)).tools).toMatchObject([
      { name: ECHO.name, exposedName: 'everything__say', alias: 'say', enabled: true },
      { name: 'add', exposedName: 'everything__add', alias: null },
    ])
    const off = await update([{ name: 'add', enabled: false }])
    expect(off.tools[1]).toMatchObject({ enabled: false, exposedName: null })
    expect(await refusalOf(update([{ name: ECHO.name, alias: 'add' }]))).toMatchObject({
      fields: { 'tools.0.alias': [expect.stringContaining('"add"')] },
    })
    expect(await refusalOf(update([{ name: 'none', enabled: true }]))).toMatchObject({
      fields: { 'tools.0.name': [expect.any(String)] },
    })
    // Two may take over each other's names.
    const swapped = await update([
      { name: ECHO.name, alias: 'add' },
      { name: 'add', alias: ECHO.name },
    ])
    expect(swapped.tools.map(({ alias }) => alias)).toEqual(['add', ECHO.name])
  })

  it('G5: that change or are new are held until their owner approves them', async () => {
    const { id } = await connect()
    await offer(CHANGED, ADD)
    const told = await listConnectionEvents({ ctx: alice.ctx, input: { id, limit: 1 } })
    expect(told.items).toMatchObject([
      {
        type: 'connection.tools',
        data: {
          added: { count: 1, names: ['add'] },
          changed: { count: 1, names: [ECHO.name] },
          removed: { count: 0, names: [] },
        },
      },
    ])
    const held = await detail(id)
    expect(held.toolChanges).toEqual({ changed: 1, new: 1, removed: 0, held: 2 })
    expect(held.tools).toMatchObject([
      { name: ECHO.name, pin: 'changed', held: true, exposedName: null, approved: ECHO, current: CHANGED },
      { name: 'add', pin: 'new', held: true, exposedName: null, approved: null, current: ADD },
    ])
    const first = await approveTools({ ctx: alice.ctx, input: { id, tools: [ECHO.name] } })
    expect(first.toolChanges).toEqual({ changed: 0, new: 1, removed: 0, held: 1 })
    expect(first.tools[0]).toMatchObject({ pin: 'approved', exposedName: `everything__${ECHO.name}` })
    const all = await approveTools({ ctx: alice.ctx, input: { id } })
    expect(all.toolChanges).toEqual({ changed: 0, new: 0, removed: 0, held: 0 })
    expect((await audit(id)).slice(1)).toMatchObject([
      { action: 'connection.approve', detail: { tools: [`${ECHO.name} (changed)`] } },
      { action: 'connection.approve', detail: { tools: ['add (new)'] } },
    ])
    // Once more is nothing more.
    await approveTools({ ctx: alice.ctx, input: { id } })
    expect(await audit(id)).toHaveLength(3)
  })

  it('G5: that change are shown and can be called where the owner only wants to be warned', async () => {
    const { id } = await connect({ pinPolicy: 'warn' })
    await offer(CHANGED)
    const { tools, toolChanges } = await detail(id)
    expect(tools).toMatchObject([{ pin: 'changed', held: false, exposedName: `everything__${ECHO.name}` }])
    expect(toolChanges).toEqual({ changed: 1, new: 0, removed: 0, held: 0 })
  })

  it('that are gone are kept until that is approved, with their switch', async () => {
    await offer(ECHO, ADD)
    const { id } = await connect({ tools: [{ name: 'add', enabled: false }] })
    await offer(ECHO)
    expect((await detail(id)).tools[1]).toMatchObject({ name: 'add', pin: 'removed', current: null })
    await offer(ECHO, ADD)
    expect((await detail(id)).tools[1]).toMatchObject({ name: 'add', pin: 'approved', enabled: false })
    await offer(ECHO)
    const approved = await approveTools({ ctx: alice.ctx, input: { id } })
    expect(approved.tools.map(({ name }) => name)).toEqual([ECHO.name])
    expect(await refusalOf(approveTools({ ctx: alice.ctx, input: { id, tools: ['add'] } }))).toMatchObject({
      code: 'BAD_REQUEST',
      fields: { tools: [expect.stringContaining('add')] },
    })
  })
})

describe('credentials', () => {
  const KEY = { kind: 'header', name: 'X-Api-Key', description: 'Your key', required: true }

  it('are given to the test, go over to the connection, and are shown to nobody', async () => {
    await asks([KEY])
    const start = (given: object) =>
      startConnectionTest({ ctx: alice.ctx, input: { agentId: agent.id, serverId: server.id, ...given } })
    expect(await refusalOf(start({}))).toMatchObject({
      code: 'CREDENTIALS_MISSING',
      fields: { 'credentials.X-Api-Key': [expect.any(String)] },
    })
    const { id: queued } = await start({ credentials: { 'X-Api-Key': 'very secret' } })
    expect(await asSystem((db) => openTestCredentials(db, queued))).toEqual({
      env: {},
      headers: { 'X-Api-Key': 'very secret' },
    })
    const testId = await seedPassedTest(alice, agent.id, server)
    await asSystem((db) =>
      saveTestCredentials(db, testId, [
        { kind: 'header', name: 'X-Api-Key', value: 'very secret' },
        { kind: 'header', name: 'X-More', value: 'also secret' },
      ]),
    )
    const { id } = await connect({ testId })
    const stored = () => asSystem((db) => db.connectionCredential.findMany({ where: { connectionId: id } }))
    expect(openCredentials(id, await stored()).headers).toEqual({
      'X-Api-Key': 'very secret',
      'X-More': 'also secret',
    })
    const shown = await updateConnection({ ctx: alice.ctx, input: { id, headers: { 'X-More': null } } })
    expect(shown.credentials).toEqual([{ ...KEY, declared: true, set: true }])
    const refusal = refusalOf(
      updateConnection({ ctx: alice.ctx, input: { id, credentials: { 'X-Api-Key': null } } }),
    )
    expect(await refusal).toMatchObject({ code: 'CREDENTIALS_MISSING' })
    expect(await stored()).toHaveLength(1)
    const said = await query(
      database.adminUrl,
      `SELECT (SELECT jsonb_agg(to_jsonb(e)) FROM events e)::text || (SELECT jsonb_agg(to_jsonb(a)) FROM audit_entries a)::text
         || coalesce((SELECT jsonb_agg(to_jsonb(o)) FROM outbox o)::text, '') || (SELECT jsonb_agg(to_jsonb(t)) FROM connection_tests t)::text AS all`,
    )
    expect(JSON.stringify(said)).not.toContain('secret')
    expect(JSON.stringify(await stored())).not.toContain('very secret')
  })

  it('cannot be opened for another connection', async () => {
    await asks([KEY])
    const testId = await seedPassedTest(alice, agent.id, server)
    await asSystem((db) =>
      saveTestCredentials(db, testId, [{ kind: 'header', name: 'X-Api-Key', value: 'secret' }]),
    )
    const { id } = await connect({ testId })
    const stored = await asSystem((db) => db.connectionCredential.findMany({ where: { connectionId: id } }))
    expect(() => openCredentials(agent.id, stored)).toThrow(/authenticate/)
  })

  it.each([
    [{ credentials: { OTHER: 'x' } }, 'credentials.OTHER'],
    [{ headers: { Host: 'x' } }, 'headers.Host'],
    [{ headers: { 'mcp-session-id': 'x' } }, 'headers.mcp-session-id'],
    [{ headers: { 'x-api-key': 'x' } }, 'headers.x-api-key'],
    [{ credentials: { 'X-Api-Key': 'kä' } }, 'credentials.X-Api-Key'],
  ])('%j is refused', async (given, field) => {
    await asks([KEY])
    const input = { agentId: agent.id, serverId: server.id, ...given } as Create
    const refusal = refusalOf(startConnectionTest({ ctx: alice.ctx, input: input as never }))
    expect(Object.keys((await refusal).fields ?? {})).toEqual([field])
  })

  it('are no more than each call can carry', async () => {
    const { id } = await connect()
    await asks([])
    const give = (name: string) =>
      updateConnection({ ctx: alice.ctx, input: { id, headers: { [name]: 'x'.repeat(8192) } } })
    await give('X-A')
    expect(await refusalOf(give('X-B'))).toMatchObject({
      code: 'BAD_REQUEST',
      fields: { 'credentials.X-B': [expect.stringContaining('too long')] },
    })
    expect((await detail(id)).credentials).toMatchObject([{ name: 'X-A' }])
    const names = ['A', 'B']
    await asks(
      names.map((name) => ({ kind: 'env', name, required: false })),
      'stdio',
    )
    const credentials = Object.fromEntries(names.map((name) => [name, 'x'.repeat(8192)]))
    expect(await refusalOf(updateConnection({ ctx: alice.ctx, input: { id, credentials } }))).toMatchObject({
      fields: { 'credentials.A': [expect.stringContaining('too long')] },
    })
  })

  it('a server over stdio gets no headers', async () => {
    await asks([], 'stdio')
    const input = { agentId: agent.id, serverId: server.id, headers: { 'X-A': 'x' } }
    expect(await refusalOf(startConnectionTest({ ctx: alice.ctx, input }))).toMatchObject({
      fields: { 'headers.X-A': [expect.stringContaining('stdio')] },
    })
  })

  it('of a test that nothing came of are forgotten', async () => {
    const testId = await seedPassedTest(alice, agent.id, server)
    await asSystem((db) => saveTestCredentials(db, testId, [{ kind: 'header', name: 'X-A', value: 'x' }]))
    await pruneTestCredentials()
    const count = () => asSystem((db) => db.connectionTestCredential.count({ where: { testId } }))
    expect(await count()).toBe(1)
    await query(
      database.adminUrl,
      `UPDATE connection_test_credentials SET created_at = now() - interval '11 minutes'`,
    )
    await pruneTestCredentials()
    expect(await count()).toBe(0)
  })
})
