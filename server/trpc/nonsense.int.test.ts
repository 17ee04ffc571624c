import { randomUUID } from 'node:crypto'
import superjson from 'superjson'
import { afterAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { query } from '#testing/database.ts'
import { startMcpRegistry } from '#testing/mcp-registry.ts'
import {
  seedAgent,
  seedApiKey,
  seedPassedTest,
  seedServer,
  seedToolbox,
  seedUser,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'
import { callHttp, type HttpAnswer, procedures } from '#testing/trpc-http.ts'

const registry = await startMcpRegistry([])
afterAll(() => registry.close())
const { database } = await useSeededInstallation({ MCP_REGISTRY_URL: registry.url })
const { appRouter } = await import('#server/trpc/router.ts')
const { createApiKey } = await import('#server/api-keys/create.ts')
const [admin, alice, bob] = await Promise.all([
  seedUser({ role: 'ADMIN' }),
  seedUser(),
  seedUser({ email: 'bob@example.test' }),
])
const toolbox = await seedToolbox()
const server = await seedServer(toolbox.id)
const hidden = await seedServer(toolbox.id, { visibility: 'restricted', grants: [alice.id] })
const agent = await seedAgent(alice)
const bobsAgent = await seedAgent(bob)
const keyOf = {
  admin: await seedApiKey(admin.id),
  bob: await seedApiKey(bob.id),
}
// A key notes its use once a minute; these have noted it for the whole suite.
await query(database.adminUrl, "UPDATE api_keys SET last_used_at = now() + interval '1 day'")
const all = await procedures()

const ENTRY = {
  description: 'text',
  categories: ['Files'],
  iconUrl: 'https://example.com/icon.png',
  docsUrl: 'https://example.com/docs',
  publisher: 'Somebody',
}
const RELEASE = {
  version: '1.0.0',
  source: { type: 'npm', package: 'some-server' },
  transport: 'stdio',
  variables: [{ name: 'KEY', secret: true, required: true }],
  userCredentials: [{ kind: 'env', name: 'TOKEN', description: 'text', required: true }],
}

/** Input that each procedure takes, on things that do not exist; procedures without input are not in it. */
const VALID: Record<string, Record<string, unknown>> = {
  'servers.deploy': {
    name: 'server',
    description: 'text',
    toolboxId: randomUUID(),
    source: { type: 'npm', package: 'some-server', version: '1.0.0', bin: 'run', args: ['--port'] },
    transport: 'streamable-http',
    http: { path: '/mcp', port: { env: 'PORT' } },
    env: { NAME: { value: 'value', secret: true } },
    limits: { memoryMb: 64, cpus: 1, pids: 64 },
    userCredentials: [{ kind: 'header', name: 'X-Key', description: 'text', required: true }],
    sharing: 'shared',
    visibility: 'restricted',
    grants: [randomUUID()],
  },
  'servers.get': { id: randomUUID() },
  'servers.start': { id: randomUUID() },
  'servers.stop': { id: randomUUID() },
  'servers.restart': { id: randomUUID() },
  'servers.delete': { id: randomUUID(), confirmName: 'server' },
  'servers.redeploy': { id: randomUUID(), toolboxId: randomUUID() },
  'servers.update': {
    id: randomUUID(),
    baseRevision: 1,
    description: 'text',
    visibility: 'restricted',
    source: { type: 'npm', package: 'some-server', version: '1.0.0', bin: 'run', args: ['--port'] },
    transport: 'streamable-http',
    http: { path: '/mcp', port: { env: 'PORT' } },
    env: { NAME: { keep: true } },
    limits: { memoryMb: 64, cpus: 1, pids: 64 },
    userCredentials: [{ kind: 'header', name: 'X-Key', description: 'text', required: true }],
    sharing: 'shared',
  },
  'servers.rollback': { id: randomUUID(), number: 1 },
  'servers.revisions': { id: randomUUID() },
  'servers.cancel': { id: randomUUID() },
  'servers.deployments': { id: randomUUID() },
  'servers.logs': {
    id: randomUUID(),
    instanceId: randomUUID(),
    tail: 10,
    search: 'text',
    level: 'warn',
    since: '2026-01-01T00:00:00.000Z',
    until: '2026-01-02T00:00:00.000Z',
  },
  'servers.followLogs': {
    id: randomUUID(),
    instanceId: randomUUID(),
    after: `${randomUUID()}:1`,
    lastEventId: `${randomUUID()}:1`,
  },
  'servers.usage': { id: randomUUID(), range: '7d' },
  'servers.grant': { id: randomUUID(), userId: randomUUID() },
  'servers.revoke': { id: randomUUID(), userId: randomUUID() },
  'toolboxes.get': { id: randomUUID() },
  'toolboxes.metrics': { id: randomUUID(), range: '6h' },
  'toolboxes.create': { kind: 'host', name: 'host' },
  'toolboxes.enrollment': { id: randomUUID() },
  'toolboxes.drain': { id: randomUUID() },
  'toolboxes.activate': { id: randomUUID() },
  'toolboxes.upgrade': { id: randomUUID() },
  'toolboxes.delete': { id: randomUUID(), confirmName: 'host', force: true },
  'toolboxes.retry': { id: randomUUID() },
  'cloud.setToken': { token: `dop_v1_${'0'.repeat(64)}` },
  'cloud.decideReap': { destroy: [1], keep: [2] },
  'agents.create': { name: 'agent' },
  'agents.get': { id: randomUUID() },
  'agents.update': { id: randomUUID(), name: 'agent' },
  'agents.delete': { id: randomUUID() },
  'agents.rotateToken': { id: randomUUID(), overlapMinutes: 15 },
  'agents.usage': { id: randomUUID(), range: '7d' },
  'connections.available': { agentId: randomUUID() },
  'connections.test': { agentId: randomUUID(), serverId: randomUUID(), wait: false },
  'connections.testResult': { id: randomUUID() },
  'connections.cancelTest': { id: randomUUID() },
  'connections.create': {
    agentId: randomUUID(),
    serverId: randomUUID(),
    testId: randomUUID(),
    slug: 'slug',
    prefixTools: false,
  },
  'connections.list': { agentId: randomUUID() },
  'connections.get': { id: randomUUID() },
  'connections.update': {
    id: randomUUID(),
    slug: 'slug',
    prefixTools: false,
    timeoutMs: 5000,
    retries: 2,
    logArguments: true,
    callsPerMinute: 10,
    maxConcurrent: 2,
    pinPolicy: 'warn',
    tools: [{ name: 'echo', enabled: false, alias: 'say' }],
    credentials: { KEY: 'value' },
    headers: { 'X-Key': 'value' },
  },
  'connections.approve': { id: randomUUID(), tools: ['echo'] },
  'connections.calls': {
    id: randomUUID(),
    tool: 'echo',
    outcome: 'ok',
    limit: 10,
    cursor: `2026-01-01T00:00:00.000Z_${randomUUID()}`,
  },
  'connections.events': { id: randomUUID(), limit: 10, cursor: '10' },
  'connections.retest': { id: randomUUID() },
  'connections.disconnect': { id: randomUUID() },
  'tools.list': { agentId: randomUUID() },
  'tools.call': { agentId: randomUUID(), name: 'every__echo', arguments: { message: 'text' } },
  'status.stream': { cursor: null, lastEventId: null, serverId: randomUUID(), agentId: randomUUID() },
  'catalog.list': { search: 'files', category: 'Files' },
  'catalog.get': { id: randomUUID() },
  'catalog.create': { slug: 'new-entry', title: 'New', ...ENTRY, release: RELEASE },
  'catalog.update': {
    id: randomUUID(),
    baseUpdatedAt: '2026-01-01T00:00:00.000Z',
    title: 'New',
    ...ENTRY,
    release: RELEASE,
    removeVersions: ['0.9.0'],
  },
  'catalog.delete': { id: randomUUID() },
  'catalog.import': {
    from: { type: 'text', text: '{}' },
    apply: [{ key: 'one', slug: 'one', usersBring: ['KEY'] }],
  },
  'catalog.export': { ids: [randomUUID()], format: 'codex' },
  'catalog.searchRegistry': { search: 'files', cursor: 'next', direction: 'forward' },
  'users.invite': {
    email: 'new@example.test',
    name: 'New',
    role: 'USER',
    password: 'long enough a password',
  },
  'users.update': {
    id: randomUUID(),
    name: 'New',
    role: 'USER',
    disabled: false,
    password: 'long enough a password',
  },
  'users.changePassword': { current: 'wrong', next: 'long enough a password' },
  'apiKeys.create': { name: 'key', expiresInDays: 10 },
  'apiKeys.revoke': { id: randomUUID() },
  'registries.set': { host: 'registry.example.test', username: 'user', password: 'password' },
  'registries.delete': { id: randomUUID() },
  'audit.list': { limit: 10, before: '10' },
}

const NONSENSE: [name: string, value: unknown][] = [
  ['null', null],
  ['nothing', undefined],
  ['a negative number', -1],
  ['a fraction', 1.5],
  ['a number beyond range', 1e308],
  ['a text', 'nonsense'],
  ['digits', '99999999999999999999999999999999'],
  ['a null character', 'a\0b'],
  ['half a character', 'a\ud800b'],
  ['a huge text', 'x'.repeat(200_000)],
  ['SQL', "'; DROP TABLE users; --"],
  ['a list', ['x', null, {}]],
  ['an empty object', {}],
  ['an object', { constructor: { prototype: { polluted: true } }, toString: 'x' }],
  ['a prototype', JSON.parse('{"__proto__": {"polluted": true}}')],
  ['an id of nothing', '00000000-0000-0000-0000-000000000000'],
  ['another id', randomUUID()],
]

/** Sent in place of a whole input too; one kind of each is enough there. */
const WHOLE = new Set(['null', 'nothing', 'a huge text', 'a list', 'an empty object', 'a prototype'])

const schemaOf = (path: string): z.ZodType | undefined =>
  (appRouter._def.procedures as unknown as Record<string, { _def: { inputs: z.ZodType[] } }>)[path]?._def
    .inputs[0]

/** What is wrong with an input, by what it lacks or has; as it looks after its way through JSON. */
const variants = (valid: Record<string, unknown>): { name: string; field: string; input: unknown }[] => [
  ...NONSENSE.filter(([name]) => WHOLE.has(name)).map(([name, input]) => ({
    name: `${name} in place of all`,
    field: '',
    input,
  })),
  ...Object.keys(valid).flatMap((field) =>
    NONSENSE.map(([name, value]) => ({
      name: `${field}: ${name}`,
      field,
      input: { ...valid, [field]: value },
    })),
  ),
  { name: 'an unknown field', field: '', input: { ...valid, unknown: 1 } },
]

/** A long text may be legal for one field; then the request must still be answered, and not with a failure of ours. */
function expectAnswered(answer: HttpAnswer, name: string): void {
  const answered = answer.status < 400 || (answer.status < 500 && answer.error !== null)
  expect({ name, answer: answered ? 'fine' : answer.text }).toEqual({ name, answer: 'fine' })
}

/** A few at a time. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += 6) await Promise.all(items.slice(at, at + 6).map(work))
}

const inputs = all.map((procedure) => ({ ...procedure, schema: schemaOf(procedure.path) }))

describe('nonsense', () => {
  it('is sent to every procedure that takes input', () => {
    const paths = inputs.filter(({ schema }) => schema !== undefined).map(({ path }) => path)
    expect(Object.keys(VALID).toSorted()).toEqual(paths.toSorted())
  })

  it.each(inputs)(
    'to $path gets a typed refusal that names the field, and changes nothing',
    async (procedure) => {
      const { path, schema } = procedure
      const before = await checksumTables(database.adminUrl)
      const all = variants(VALID[path] ?? {})
      const isLegal = ({ input }: { input: unknown }) => {
        const sent = superjson.deserialize(JSON.parse(JSON.stringify({ json: input })))
        return schema === undefined || schema.safeParse(sent).success
      }
      await inTurns(
        all.filter((one) => !isLegal(one)),
        async ({ name, field, input }) => {
          const { status, error } = await callHttp(procedure, { key: keyOf.admin, input })
          const fields = Object.keys(error?.fields ?? {})
          const named = fields.length > 0 && fields.every((one) => one.startsWith(field) || one === 'input')
          const refused = { name, status: 400, code: 'BAD_REQUEST', named: true }
          expect({ name, status, code: error?.code, named }).toEqual(refused)
        },
      )
      expect(await checksumTables(database.adminUrl)).toEqual(before)
      await inTurns(all.filter(isLegal), async ({ name, input }) =>
        expectAnswered(await callHttp(procedure, { key: keyOf.admin, input }), name),
      )
    },
  )

  it('pollutes no prototype', () => expect(({} as { polluted?: boolean }).polluted).toBeUndefined())

  it.each([
    ['a date of nothing', { json: { name: 'x' }, meta: { values: { name: ['Date'] } } }],
    ['a broken big number', { json: { name: 'x' }, meta: { values: { name: ['bigint'] } } }],
    ['an unknown class', { json: { name: {} }, meta: { values: { name: [['class', 'User']] } } }],
    ['an unknown symbol', { json: { name: 'x' }, meta: { values: { name: [['symbol', 'x']] } } }],
    ['a broken expression', { json: { name: '/(/' }, meta: { values: { name: ['regexp'] } } }],
    ['a broken URL', { json: { name: ':' }, meta: { values: { name: ['URL'] } } }],
    ['a prototype path', { json: {}, meta: { values: { '__proto__.polluted': ['Date'] } } }],
    ['a constructor path', { json: {}, meta: { values: { 'constructor.prototype.x': ['Date'] } } }],
    ['references to nothing', { json: {}, meta: { referentialEqualities: { 'a.b': ['c.d'] } } }],
    ['a number that is none', { json: { name: 'NaN' }, meta: { values: { name: ['number'] } } }],
    ['an error', { json: { name: { name: 'E', message: 'm' } }, meta: { values: { name: ['Error'] } } }],
    ['no envelope', { name: 'x' }],
    ['a list for an envelope', []],
    ['null for an envelope', null],
  ])('in the envelope, %s, is a bad request', async (_name, envelope) => {
    const before = await checksumTables(database.adminUrl)
    const create = { path: 'agents.create', type: 'mutation' as const }
    const answer = await callHttp(create, { key: keyOf.bob, body: JSON.stringify(envelope) })
    expect({ status: answer.status, code: answer.error?.code }).toEqual({ status: 400, code: 'BAD_REQUEST' })
    expect(await checksumTables(database.adminUrl)).toEqual(before)
  })
})

describe('ids of other people', async () => {
  const foreign = {
    agent: agent.id,
    hidden: hidden.id,
    test: await seedPassedTest(alice, agent.id, hidden),
    key: (await createApiKey({ ctx: alice.ctx, input: { name: 'k', expiresInDays: null } })).id,
    user: alice.id,
    toolbox: toolbox.id,
    instance: hidden.instanceId,
    connection: randomUUID(),
  }
  await query(
    database.adminUrl,
    `INSERT INTO connections (id, agent_id, server_id, user_id, slug) VALUES ('${foreign.connection}', '${agent.id}', '${server.id}', '${alice.id}', 'hers')`,
  )
  /** What bob may use, for the fields that are not asked about. */
  const own: Record<string, Record<string, unknown>> = {
    'agents.update': { name: 'mine now' },
    'connections.test': { agentId: bobsAgent.id, serverId: server.id },
    'connections.create': { agentId: bobsAgent.id, serverId: server.id },
    'tools.call': { name: 'every__echo' },
  }
  const asked = inputs.flatMap(({ path, type, permission }) =>
    permission === 'signed-in' && type !== 'subscription'
      ? ['id', 'agentId', 'serverId', 'testId']
          .filter((field) => field in (VALID[path] ?? {}))
          .map((field) => ({ path, type, field }))
      : [],
  )

  it.each(asked)('in $field of $path are not found, and nothing changes', async ({ path, type, field }) => {
    const before = await checksumTables(database.adminUrl)
    for (const [name, id] of Object.entries(foreign)) {
      const input = { ...own[path], [field]: id }
      const answer = await callHttp({ path, type }, { key: keyOf.bob, input })
      expect({ name, status: answer.status, code: answer.error?.code }).toEqual({
        name,
        status: 404,
        code: 'NOT_FOUND',
      })
    }
    expect(await checksumTables(database.adminUrl)).toEqual(before)
  })

  it.each(asked.filter(({ path }) => path !== 'servers.get'))(
    'in $field of $path are not found for an admin either',
    async ({ path, type, field }) => {
      const before = await checksumTables(database.adminUrl)
      const id = { agentId: foreign.agent, testId: foreign.test, serverId: foreign.agent }[field]
      const ids = id ? [id] : [foreign.agent, foreign.test, foreign.connection, foreign.key]
      for (const one of ids) {
        const input = { ...own[path], [field]: one }
        const answer = await callHttp({ path, type }, { key: keyOf.admin, input })
        expect(answer.status).toBe(404)
      }
      expect(await checksumTables(database.adminUrl)).toEqual(before)
    },
  )
})
