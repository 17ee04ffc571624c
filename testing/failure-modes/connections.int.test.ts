import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { startTestGateway, type TestGateway } from '#testing/gateway.ts'
import { answerParams, mcpPeer } from '#testing/mcp-peer.ts'
import { refusalOf } from '#testing/refusal.ts'
import {
  seedAgent,
  seedApiKey,
  seedPassedTest,
  seedServer,
  seedToolbox,
  seedUser,
  type TestServer,
  type TestUser,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'
import { callHttp } from '#testing/trpc-http.ts'

const { database, redis } = await useSeededInstallation()
const { loadGatewayRights, readRightsVersion } = await import('#server/agents/gateway-rights.ts')
const { createAgent } = await import('#server/agents/create.ts')
const { deleteAgent } = await import('#server/agents/delete.ts')
const { rotateAgentToken, updateAgent } = await import('#server/agents/update.ts')
const { approveTools } = await import('#server/connections/approve.ts')
const { createConnection } = await import('#server/connections/create.ts')
const { disconnect } = await import('#server/connections/disconnect.ts')
const { listAvailable, listConnections } = await import('#server/connections/list.ts')
const { startConnectionTest } = await import('#server/connections/start-test.ts')
const { updateConnection } = await import('#server/connections/update.ts')
const { loadControlIdentity } = await import('#server/toolboxes/identities.ts')

let gateway: TestGateway
let toolbox: ToolboxStandIn
let toolboxId: string
let alice: TestUser
let agent: { id: string; token: string }

beforeAll(async () => {
  const identity = await loadControlIdentity('gateway')
  toolbox = await startToolboxStandIn(identity.certificate)
  toolboxId = (await seedToolbox(toolbox)).id
  const rights = { load: loadGatewayRights, readVersion: readRightsVersion }
  gateway = await startTestGateway(redis.url, { identity, rights })
})
afterAll(async () => {
  await gateway.close(0)
  await toolbox.stop()
})
beforeEach(async () => {
  alice = await seedUser()
  agent = await seedAgent(alice)
})

/** A server that answers every call, and is seen by those who are granted it. */
async function servedTo(...grants: string[]): Promise<TestServer> {
  const server = await seedServer(toolboxId, { visibility: 'restricted', grants })
  toolbox.instances.set(server.instanceId, mcpPeer(answerParams).listener)
  return server
}

async function connect(user: TestUser, agentId: string, server: TestServer) {
  const testId = await seedPassedTest(user, agentId, server)
  const input = { agentId, serverId: server.id, prefixTools: true, testId }
  return createConnection({ ctx: user.ctx, input })
}

/** Names that the gateway lists for a token; its status where it lists nothing. */
async function listed(token: string): Promise<string[] | number> {
  const session = { 'mcp-session-id': await gateway.session(token) }
  const response = await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, session)
  if (!response.ok) return response.status
  const { result } = (await response.json()) as { result: { tools: { name: string }[] } }
  return result.tools.map(({ name }) => name)
}

describe('a connection that was ended', () => {
  it('F25: can be made anew, as often as one likes, and its audit and tests stay', async () => {
    const server = await servedTo(alice.id)
    for (let turn = 1; turn <= 3; turn++) {
      const { id } = await connect(alice, agent.id, server)
      await expect.poll(() => listed(agent.token)).toEqual([`${server.name}__echo`])
      await disconnect({ ctx: alice.ctx, input: { id } })
      await expect.poll(() => listed(agent.token)).toEqual([])
      const { items } = await listConnections({ ctx: alice.ctx, input: { agentId: agent.id } })
      expect(items).toEqual([])
      const [kept] = await query<{ made: number; ended: number; tests: number }>(
        database.adminUrl,
        `SELECT count(*) FILTER (WHERE action = 'connection.create')::int AS made,
           count(*) FILTER (WHERE action = 'connection.disconnect')::int AS ended,
           (SELECT count(*)::int FROM connection_tests WHERE agent_id = $1) AS tests
         FROM audit_entries WHERE detail->>'agentId' = $1::text`,
        [agent.id],
      )
      expect(kept).toEqual({ made: turn, ended: turn, tests: turn })
    }
  })
})

describe('the audit', () => {
  type Verb = { action: string; act: () => Promise<unknown> }
  async function verbs(): Promise<Verb[]> {
    const { ctx } = alice
    const [free, bound] = [await servedTo(alice.id), await servedTo(alice.id)]
    const testId = await seedPassedTest(alice, agent.id, free)
    const { id } = await connect(alice, agent.id, bound)
    const create = { agentId: agent.id, serverId: free.id, prefixTools: true, testId }
    // Something to approve.
    await query(
      database.adminUrl,
      `UPDATE mcp_server_tools SET hash = sha256('other') WHERE server_id = $1`,
      [bound.id],
    )
    return [
      { action: 'agent.create', act: () => createAgent({ ctx, input: { name: 'new' } }) },
      { action: 'agent.update', act: () => updateAgent({ ctx, input: { id: agent.id, name: 'other' } }) },
      {
        action: 'agent.rotateToken',
        act: () => rotateAgentToken({ ctx, input: { id: agent.id, overlapMinutes: 0 } }),
      },
      { action: 'connection.create', act: () => createConnection({ ctx, input: create }) },
      { action: 'connection.update', act: () => updateConnection({ ctx, input: { id, timeoutMs: 5_000 } }) },
      { action: 'connection.approve', act: () => approveTools({ ctx, input: { id } }) },
      { action: 'connection.disconnect', act: () => disconnect({ ctx, input: { id } }) },
      { action: 'agent.delete', act: () => deleteAgent({ ctx, input: { id: agent.id } }) },
    ]
  }

  it('F27: what the audit refuses does not happen, and what happens is in it once', async () => {
    await query(
      database.adminUrl,
      `CREATE FUNCTION refuse_word() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'unknown word %', NEW.action USING ERRCODE = 'check_violation'; END $$`,
    )
    const refusing = (on: boolean) =>
      query(
        database.adminUrl,
        on
          ? 'CREATE TRIGGER refuse_word BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_word()'
          : 'DROP TRIGGER refuse_word ON audit_entries',
      )
    for (const { action, act } of await verbs()) {
      const noted = async () =>
        (await query(database.adminUrl, 'SELECT 1 FROM audit_entries WHERE action = $1', [action])).length
      const [before, entries] = [await checksumTables(database.adminUrl), await noted()]
      await refusing(true)
      await expect(act(), action).rejects.toThrow('unknown word')
      await refusing(false)
      expect(await checksumTables(database.adminUrl), action).toEqual(before)
      await act()
      expect(await noted(), action).toBe(entries + 1)
    }
  })
})

describe('permission', () => {
  it('F28: a server that its owner may not use any more is nowhere to be used', async () => {
    const server = await servedTo(alice.id)
    await connect(alice, agent.id, server)
    const name = `${server.name}__echo`
    await expect.poll(() => listed(agent.token)).toEqual([name])
    const session = { 'mcp-session-id': await gateway.session(agent.token) }
    const call = (tool: string) =>
      gateway
        .post(agent.token, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool } }, session)
        .then((response) => response.json())
    expect(await call(name)).toHaveProperty('result')

    await query(database.adminUrl, 'DELETE FROM server_grants WHERE server_id = $1', [server.id])
    const before = toolbox.seen.length
    await expect.poll(() => listed(agent.token)).toEqual([])
    for (const path of [name, 'echo', `${server.id}__echo`]) {
      expect(await call(path)).toHaveProperty('error')
    }
    // What it hears of the agent is that its session has ended.
    expect(toolbox.seen.slice(before).filter(({ method }) => method !== 'DELETE')).toEqual([])
    const input = { agentId: agent.id, serverId: server.id }
    expect(await refusalOf(startConnectionTest({ ctx: alice.ctx, input }))).toMatchObject({
      code: 'NOT_FOUND',
    })
    const available = await listAvailable({ ctx: alice.ctx, input: { agentId: agent.id } })
    expect(available.items.map((one) => one.id)).not.toContain(server.id)
  })
})

describe('a switch', () => {
  it('F28: a tool that was switched off, changed or renamed is not listed, and not called by any name', async () => {
    const server = await servedTo(alice.id)
    const { id } = await connect(alice, agent.id, server)
    const name = `${server.name}__echo`
    await expect.poll(() => listed(agent.token)).toEqual([name])
    const session = { 'mcp-session-id': await gateway.session(agent.token) }
    const calls = async (tool: string) => {
      const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool } }
      return 'result' in ((await (await gateway.post(agent.token, body, session)).json()) as object)
    }
    const override = (change: { enabled?: boolean; alias?: string | null }) =>
      updateConnection({ ctx: alice.ctx, input: { id, tools: [{ name: 'echo', ...change }] } })
    expect(await calls(name)).toBe(true)

    await override({ enabled: false })
    await expect.poll(() => listed(agent.token)).toEqual([])
    expect([await calls(name), await calls('echo')]).toEqual([false, false])

    await override({ enabled: true, alias: 'say' })
    await expect.poll(() => listed(agent.token)).toEqual([`${server.name}__say`])
    expect([await calls(`${server.name}__say`), await calls(name)]).toEqual([true, false])

    await query(
      database.adminUrl,
      `UPDATE mcp_server_tools SET hash = sha256('other') WHERE server_id = $1`,
      [server.id],
    )
    await expect.poll(() => listed(agent.token)).toEqual([])
    expect(await calls(`${server.name}__say`)).toBe(false)
    await approveTools({ ctx: alice.ctx, input: { id } })
    await expect.poll(() => listed(agent.token)).toEqual([`${server.name}__say`])
    expect(await calls(`${server.name}__say`)).toBe(true)
  })
})

describe('a token', () => {
  it('F37: opens only what its kind is for', async () => {
    const key = await seedApiKey(alice.id)
    const { newToken } = await import('#server/secrets/tokens.ts')
    const agents = { path: 'agents.list', type: 'query' as const }
    expect((await callHttp(agents, { key })).status).toBe(200)
    expect((await callHttp(agents, { key: agent.token })).status).toBe(401)
    expect((await callHttp(agents, { key: newToken('tbe') })).status).toBe(401)
    expect(await listed(agent.token)).toEqual([])
    for (const token of [key, newToken('tba'), newToken('tbe')]) {
      const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
      expect((await gateway.post(token, body)).status).toBe(401)
      const named = await fetch(`${gateway.origin}/agents/${agent.id}/mcp`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(named.status).toBe(401)
    }
  })

  it('F37: shows the tools of its own agent alone, and calls no others', async () => {
    const bob = await seedUser()
    const bobs = await seedAgent(bob)
    const [ofAlice, ofBob, ofBoth] = [
      await servedTo(alice.id),
      await servedTo(bob.id),
      await servedTo(alice.id, bob.id),
    ]
    await connect(alice, agent.id, ofAlice)
    await connect(bob, bobs.id, ofBob)
    await connect(bob, bobs.id, ofBoth)
    await expect.poll(() => listed(agent.token)).toEqual([`${ofAlice.name}__echo`])
    await expect.poll(() => listed(bobs.token)).toEqual([`${ofBob.name}__echo`, `${ofBoth.name}__echo`])
    const session = { 'mcp-session-id': await gateway.session(agent.token) }
    const before = toolbox.seen.length
    for (const { name } of [ofBob, ofBoth]) {
      const params = { name: `${name}__echo` }
      const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params }
      expect(await (await gateway.post(agent.token, body, session)).json()).toHaveProperty('error')
    }
    // Nor with the session of another agent, which is as if it did not exist.
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    expect((await gateway.post(bobs.token, body, session)).status).toBe(404)
    expect(toolbox.seen).toHaveLength(before)
  })
})
