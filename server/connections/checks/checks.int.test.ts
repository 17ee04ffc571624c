import type { RequestListener, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
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
  useSeededInstallation,
} from '#testing/seeded.ts'
import { startToolboxStandIn } from '#testing/toolbox-stand-in.ts'

const { database } = await useSeededInstallation({ CONNECTION_RECHECK_SECONDS: '120' })
const { createConnection } = await import('#server/connections/create.ts')
const { disconnect } = await import('#server/connections/disconnect.ts')
const { listConnectionEvents } = await import('#server/connections/events.ts')
const { getConnection } = await import('#server/connections/detail.ts')
const { readRightsVersion } = await import('#server/agents/gateway-rights.ts')
const { controlCertificates } = await import('#server/toolboxes/identities.ts')
const { claimDueChecks } = await import('./claim-due.ts')
const { requestCheck } = await import('./request.ts')
const { retestConnection } = await import('./retest.ts')
const { runCheck } = await import('./run.ts')
const { encodeUserHeaders, USER_HEADERS } = await import('#mcp/user-headers.ts')
const { updateConnection } = await import('#server/connections/update.ts')
const { moveServer } = await import('#server/mcp-servers/transition.ts')
const { checkOnHint, startDueChecks } = await import('#workers/connection-checks.ts')
const { pruneHistory } = await import('./prune.ts')

const standIn = await startToolboxStandIn((await controlCertificates()).worker)
afterAll(() => standIn.stop())
const toolbox = await seedToolbox({ url: standIn.url, certificate: standIn.certificate })
const [alice, bob] = await Promise.all([seedUser(), seedUser()])
const REVERSE: ToolDefinition = { name: 'reverse', inputSchema: { type: 'object' } }

type Message = { id?: number; method: string }

/** A server that passes its handshake and has these tools. */
function working(tools: ToolDefinition[] = [ECHO]): RequestListener {
  const answers: Record<string, object> = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'small', version: '1.0.0' },
    },
    'tools/list': { tools },
  }
  return (request, response) => {
    if (request.method !== 'POST') response.writeHead(405).end()
    else void json(request).then((message) => answer(message as Message, response))
  }
  function answer({ id, method }: Message, response: ServerResponse): void {
    if (id === undefined) {
      response.writeHead(202).end()
      return
    }
    const result = answers[method]
    response.writeHead(200, { 'content-type': 'application/json' })
    const error = { code: -32601, message: 'Method not found' }
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...(result ? { result } : { error }) }))
  }
}
const FAILING: RequestListener = (request, response) => {
  request.resume()
  response.writeHead(503).end()
}

let server: TestServer
beforeEach(async () => {
  await query(database.adminUrl, 'DELETE FROM connections')
  server = await seedServer(toolbox.id)
  standIn.instances.set(server.instanceId, working())
})

async function connect(user = alice, to = server) {
  const agent = await seedAgent(user)
  const testId = await seedPassedTest(user, agent.id, to)
  const input = { agentId: agent.id, serverId: to.id, testId, prefixTools: true }
  const { id } = await createConnection({ ctx: user.ctx, input })
  return id
}
const due = (where = 'true') =>
  query(
    database.adminUrl,
    `UPDATE connections SET next_check_at = now() - interval '1 second' WHERE ${where}`,
  )
/** Takes what is due; answers which servers. */
const claimed = async () => (await claimDueChecks(100)).map(({ serverId }) => serverId)
async function check(serverId = server.id): Promise<void> {
  await due(`server_id = '${serverId}'`)
  await runCheck({ serverId, connectionId: null })
}
const read = (id: string, user = alice) => getConnection({ ctx: user.ctx, input: { id } })
const events = (id: string) =>
  query<{ type: string; audience: string[]; data: Record<string, unknown> }>(
    database.adminUrl,
    `SELECT type, audience, data FROM events WHERE subject_id = $1 AND type <> 'connection.created' ORDER BY id`,
    [id],
  )
async function planned(id: string): Promise<number> {
  const [row] = await query<{ seconds: number }>(
    database.adminUrl,
    'SELECT extract(epoch FROM next_check_at - last_tested_at)::float8 AS seconds FROM connections WHERE id = $1',
    [id],
  )
  return row?.seconds ?? Number.NaN
}

describe('the checks that are due', () => {
  it('G3: are handed out once, when their time has come and not before, for all connections of a server together', async () => {
    await Promise.all([connect(), connect(bob)])
    expect(await claimed()).toEqual([])
    await due()
    expect(await claimed()).toEqual([server.id])
    expect(await claimed()).toEqual([])
  })

  it('are handed out again when their worker was killed', async () => {
    await connect()
    await due()
    await claimed()
    await query(database.adminUrl, `UPDATE connections SET check_lease_until = now() - interval '1 second'`)
    expect(await claimed()).toEqual([server.id])
  })

  it('are at most two at a time of one toolbox, however many there are, and another’s come beside them', async () => {
    const other = await seedServer((await seedToolbox()).id)
    const servers = await Promise.all([1, 2, 3].map(() => seedServer(toolbox.id)))
    for (const one of [...servers, other]) await connect(alice, one)
    await due()
    const first = await claimed()
    expect(first).toHaveLength(3)
    expect(first).toContain(other.id)
    expect(await claimed()).toEqual([])
    const [done] = first.filter((id) => id !== other.id)
    standIn.instances.set(servers.find(({ id }) => id === done)?.instanceId ?? '', working())
    await runCheck({ serverId: done ?? '', connectionId: null })
    expect(await claimed()).toEqual(servers.map(({ id }) => id).filter((id) => !first.includes(id)))
  })

  it('are none of what is disconnected, stopped or has nothing live', async () => {
    const [ended] = await Promise.all([connect(), connect(bob, await seedServer(toolbox.id))])
    await disconnect({ ctx: alice.ctx, input: { id: ended } })
    await due()
    await query(database.adminUrl, `UPDATE mcp_servers SET desired = 'stopped'`)
    expect(await claimed()).toEqual([])
    await query(database.adminUrl, `UPDATE mcp_servers SET desired = 'running', live_instance_id = NULL`)
    expect(await claimed()).toEqual([])
  })

  it('come at once when the gateway asks for a server, at most every 5 s', async () => {
    await connect()
    const ask = () => requestCheck(server.id)
    expect(await ask()).toBe(true)
    expect(await claimed()).toEqual([server.id])
    await runCheck({ serverId: server.id, connectionId: null })
    expect(await ask()).toBe(false)
    expect(await claimed()).toEqual([])
    await query(
      database.adminUrl,
      `UPDATE mcp_servers SET recheck_requested_at = now() - interval '6 seconds'`,
    )
    expect(await ask()).toBe(true)
    expect(await claimed()).toEqual([server.id])
  })
})

describe('the checks of a server', () => {
  it.each(['degraded', 'failed', 'unreachable', 'running'] as const)(
    'come at once when it becomes %s',
    async (observed) => {
      await connect()
      await query(database.adminUrl, `UPDATE mcp_servers SET observed = 'starting' WHERE id = $1`, [
        server.id,
      ])
      await asSystem((db) => moveServer(db, server.id, { observed: 'stopping' }))
      expect(await claimed()).toEqual([])
      await asSystem((db) => moveServer(db, server.id, { observed }))
      expect(await claimed()).toEqual([server.id])
    },
  )
})

describe('a check', () => {
  it('that passes is kept with its time, and the next one is planned', async () => {
    const id = await connect()
    await check()
    expect(await read(id)).toMatchObject({ state: 'connected', failure: null, latencyMs: expect.any(Number) })
    expect(
      await query(
        database.adminUrl,
        'SELECT ok, failure, attempt FROM connection_checks WHERE connection_id = $1',
        [id],
      ),
    ).toEqual([{ ok: true, failure: null, attempt: 1 }])
    expect(await planned(id)).toBeGreaterThanOrEqual(107)
    expect(await planned(id)).toBeLessThanOrEqual(133)
    expect(await events(id)).toEqual([])
  })

  it('F32: a server that failed is tested again and again with longer waits, and works again once it answers', async () => {
    const [hers, his] = [await connect(), await connect(bob)]
    standIn.instances.set(server.instanceId, FAILING)
    const waits: [number, number][] = [
      [15, 18.8],
      [30, 37.6],
      [60, 75.1],
      [107, 133],
      [107, 133],
    ]
    for (const [low, high] of waits) {
      await check()
      expect(await planned(hers)).toBeGreaterThanOrEqual(low)
      expect(await planned(hers)).toBeLessThanOrEqual(high)
    }
    const failing = await read(hers)
    expect(failing).toMatchObject({ state: 'failing', failure: { code: expect.any(String) } })
    expect(await read(his, bob)).toMatchObject({ state: 'failing' })
    await due()
    expect(await claimed()).toEqual([server.id])
    standIn.instances.set(server.instanceId, working())
    await runCheck({ serverId: server.id, connectionId: null })
    expect(await read(hers)).toMatchObject({ state: 'connected', failure: null })
    expect(await events(hers)).toMatchObject([
      {
        type: 'connection.failing',
        audience: [`user:${alice.id}`],
        data: {
          state: 'failing',
          serverName: server.name,
          agentName: 'agent',
          failure: { code: failing.failure?.code },
        },
      },
      { type: 'connection.recovered', data: { state: 'connected', serverName: server.name } },
    ])
    expect((await events(his)).map(({ audience }) => audience)).toEqual([
      [`user:${bob.id}`],
      [`user:${bob.id}`],
    ])
  })

  it('that finds other tools keeps them and moves the rights; one that finds the same changes nothing', async () => {
    const id = await connect()
    const recorded = async () => {
      const rows = await query<{ definition: ToolDefinition }>(
        database.adminUrl,
        'SELECT definition FROM mcp_server_tools WHERE server_id = $1 ORDER BY position',
        [server.id],
      )
      return rows.map(({ definition }) => definition)
    }
    await check()
    const before = await readRightsVersion()
    await check()
    expect(await readRightsVersion()).toBe(before)
    standIn.instances.set(server.instanceId, working([ECHO, REVERSE]))
    await check()
    expect(await recorded()).toEqual([ECHO, REVERSE])
    expect((await read(id)).toolChanges).toMatchObject({ new: 1, removed: 0 })
    expect(await readRightsVersion()).toBeGreaterThan(before)
    standIn.instances.set(server.instanceId, working([{ ...ECHO, description: 'Says something else.' }]))
    await check()
    expect(await recorded()).toMatchObject([{ description: 'Says something else.' }])
  })

  it('of an instance that is live no more says nothing about the one that is', async () => {
    const id = await connect()
    standIn.instances.set(server.instanceId, (request, response) => {
      void query(
        database.adminUrl,
        `UPDATE mcp_servers SET live_instance_id = NULL WHERE id = '${server.id}'`,
      ).then(() => FAILING(request, response))
    })
    await check()
    expect(await read(id)).toMatchObject({ state: 'connected', failure: null })
    expect(await query(database.adminUrl, 'SELECT * FROM connection_checks')).toEqual([])
    expect(await query(database.adminUrl, 'SELECT check_lease_until AS l FROM connections')).toEqual([
      { l: null },
    ])
  })

  it('does not bring back what was disconnected meanwhile', async () => {
    const id = await connect()
    standIn.instances.set(server.instanceId, FAILING)
    await check()
    await disconnect({ ctx: alice.ctx, input: { id } })
    standIn.instances.set(server.instanceId, working())
    await runCheck({ serverId: server.id, connectionId: null })
    expect(await read(id)).toMatchObject({ state: 'disconnected' })
  })

  it('of a connection with credentials of its own is made with them, for it alone', async () => {
    const [plain, own] = [await connect(), await connect(bob)]
    await query(database.adminUrl, `UPDATE mcp_servers SET transport = 'streamable-http' WHERE id = $1`, [
      server.id,
    ])
    const headers = { 'X-Key': 'her own' }
    await updateConnection({ ctx: bob.ctx, input: { id: own, headers } })
    const seen: (string | undefined)[] = []
    const answer = working()
    standIn.instances.set(server.instanceId, (request, response) => {
      seen.push(request.headers[USER_HEADERS]?.toString())
      answer(request, response)
    })
    await due()
    const checks = await claimDueChecks(100)
    expect(checks).toHaveLength(2)
    expect(checks).toEqual(
      expect.arrayContaining([
        { serverId: server.id, connectionId: null },
        { serverId: server.id, connectionId: own },
      ]),
    )
    for (const { connectionId, id } of [
      { connectionId: null, id: plain },
      { connectionId: own, id: own },
    ]) {
      seen.length = 0
      await query(database.adminUrl, 'DELETE FROM connection_checks')
      await runCheck({ serverId: server.id, connectionId })
      expect(new Set(seen)).toEqual(new Set([connectionId === null ? undefined : encodeUserHeaders(headers)]))
      expect(await query(database.adminUrl, 'SELECT connection_id AS id FROM connection_checks')).toEqual([
        { id },
      ])
    }
  })

  it('of an unusable toolbox is a failure and no end', async () => {
    const id = await connect()
    await asSystem((db) => db.toolbox.update({ where: { id: toolbox.id }, data: { url: 'no address' } }))
    await check()
    expect(await read(id)).toMatchObject({ state: 'failing', failure: { code: 'INTERNAL' } })
    await asSystem((db) => db.toolbox.update({ where: { id: toolbox.id }, data: { url: standIn.url } }))
  })
})

describe('a worker', () => {
  it('begins what is due and waits for none, so that servers that hang keep no other waiting', async () => {
    const hanging = await Promise.all([1, 2].map(() => seedServer(toolbox.id)))
    const other = await startToolboxStandIn((await controlCertificates()).worker)
    const otherBox = await seedToolbox({ url: other.url, certificate: other.certificate })
    const quick = await Promise.all([1, 2, 3, 4].map(() => seedServer(otherBox.id)))
    const answers: (() => void)[] = []
    for (const { instanceId } of hanging)
      standIn.instances.set(instanceId, (request, response) => {
        answers.push(() => FAILING(request, response))
      })
    for (const { instanceId } of quick) other.instances.set(instanceId, working())
    const slow = await Promise.all(hanging.map((one) => connect(alice, one)))
    const ids = await Promise.all(quick.map((one) => connect(alice, one)))
    await due()
    await startDueChecks()
    const checked = () =>
      query<{ id: string }>(database.adminUrl, 'SELECT connection_id AS id FROM connection_checks')
    await expect.poll(checked).toHaveLength(quick.length)
    expect((await checked()).map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    for (const answer of answers) answer()
    await expect.poll(checked).toHaveLength(quick.length + slow.length)
    await other.stop()
  })
})

describe('notifications', () => {
  it('say which connection began to fail and which works again, newest first and page by page, to its user alone', async () => {
    const [first, second] = [await connect(), await connect()]
    standIn.instances.set(server.instanceId, FAILING)
    await check()
    standIn.instances.set(server.instanceId, working())
    await check()
    const list = (input: Partial<Parameters<typeof listConnectionEvents>[0]['input']>, ctx = alice.ctx) =>
      listConnectionEvents({ ctx, input: { limit: 50, ...input } })
    const { items } = await list({})
    expect(items.slice(0, 4).map(({ type }) => type)).toEqual([
      'connection.recovered',
      'connection.recovered',
      'connection.failing',
      'connection.failing',
    ])
    expect(new Set(items.slice(0, 4).map(({ data }) => data.connectionId))).toEqual(new Set([first, second]))
    const page = await list({ id: first, limit: 2 })
    expect(page.items.map(({ type }) => type)).toEqual(['connection.recovered', 'connection.failing'])
    const rest = await list({ id: first, limit: 2, cursor: page.next ?? '' })
    expect({ ...rest, items: rest.items.map(({ type }) => type) }).toEqual({
      items: ['connection.created'],
      next: null,
    })
    expect((await list({}, bob.ctx)).items.filter(({ id }) => id === items[0]?.id)).toEqual([])
    expect(await refusalOf(list({ id: first }, bob.ctx))).toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('testing again by hand', () => {
  const retest = (id: string) => retestConnection({ ctx: alice.ctx, input: { id } })
  let stop: () => Promise<void>
  beforeAll(() => {
    stop = checkOnHint()
  })
  afterAll(() => stop())

  it('answers with what came of it', async () => {
    const id = await connect()
    standIn.instances.set(server.instanceId, FAILING)
    const failing = await retest(id)
    expect(failing).toMatchObject({ state: 'failing', failure: { code: expect.any(String) } })
    standIn.instances.set(server.instanceId, working())
    const passed = await retest(id)
    expect(passed).toMatchObject({ state: 'connected', failure: null })
  })

  it('begins no other check while its process stops', async () => {
    await connect()
    await stop()
    await due()
    await startDueChecks()
    expect(await claimed()).toEqual([server.id])
    stop = checkOnHint()
  })

  it('is refused for another’s, for what is disconnected and while the server does not run', async () => {
    const id = await connect()
    const refusal = (ctx = alice.ctx) => refusalOf(retestConnection({ ctx, input: { id } }))
    expect(await refusal(bob.ctx)).toMatchObject({ code: 'NOT_FOUND' })
    await query(database.adminUrl, `UPDATE mcp_servers SET desired = 'stopped' WHERE id = '${server.id}'`)
    expect(await refusal()).toMatchObject({ code: 'SERVER_NOT_RUNNING' })
    await disconnect({ ctx: alice.ctx, input: { id } })
    expect(await refusal()).toMatchObject({ code: 'CONFLICT' })
  })
})

describe('checks and calls', () => {
  it('are kept for 30 days', async () => {
    const id = await connect()
    await query(
      database.adminUrl,
      `INSERT INTO connection_checks (connection_id, ok, at) SELECT '${id}', true, now() - make_interval(days => d) FROM unnest(ARRAY[1, 29, 31, 90]) d`,
    )
    await pruneHistory()
    expect(await query(database.adminUrl, 'SELECT count(*)::int AS n FROM connection_checks')).toEqual([
      { n: 2 },
    ])
  })
})
