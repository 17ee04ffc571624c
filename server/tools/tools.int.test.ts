import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CallTool, MAX_ARGUMENT_BYTES } from '#contracts/tools.ts'
import { query } from '#testing/database.ts'
import { freePort } from '#testing/everything-server.ts'
import { newToken, startTestGateway, type TestGateway } from '#testing/gateway.ts'
import { answerJson, mcpPeer, type RpcHandler } from '#testing/mcp-peer.ts'
import { refusalOf } from '#testing/refusal.ts'
import {
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
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

const port = await freePort()
const { database, redis } = await useSeededInstallation({ GATEWAY_URL: `http://127.0.0.1:${port}` })
const { loadGatewayRights, readRightsVersion } = await import('#server/agents/gateway-rights.ts')
const { createConnection } = await import('#server/connections/create.ts')
const { updateConnection } = await import('#server/connections/update.ts')
const { deleteAgent } = await import('#server/agents/delete.ts')
const { loadControlIdentity } = await import('#server/toolboxes/identities.ts')
const { hashToken } = await import('#server/secrets/tokens.ts')
const { logCalls } = await import('#server/calls/log.ts')
const { listCalls } = await import('#server/calls/list.ts')
const { agentUsage } = await import('#server/calls/usage.ts')
const { listTools } = await import('./list.ts')
const { callTool } = await import('./call.ts')

let gateway: TestGateway
let toolbox: ToolboxStandIn
let toolboxId: string
let alice: TestUser
let bob: TestUser
let agent: { id: string; token: string }
let server: TestServer
let connectionId: string
const tool = () => `${server.name}__echo`

beforeAll(async () => {
  const identity = await loadControlIdentity('gateway')
  toolbox = await startToolboxStandIn(identity.certificate)
  toolboxId = (await seedToolbox(toolbox)).id
  gateway = await startTestGateway(redis.url, {
    port,
    identity,
    rights: { load: loadGatewayRights, readVersion: readRightsVersion },
    logCalls,
  })
})
afterAll(async () => {
  await gateway.close(0)
  await toolbox.stop()
})

/** Lists its tool as it is recorded, and says what it was given. */
const echo: RpcHandler = ({ id, method, params }, response) => {
  if (method === 'tools/list') return answerJson(response, { jsonrpc: '2.0', id, result: { tools: [ECHO] } })
  const { message, fail } = (params?.arguments ?? {}) as { message?: string; fail?: boolean }
  const content = [{ type: 'text', text: message ?? '' }]
  answerJson(response, { jsonrpc: '2.0', id, result: { content, ...(fail && { isError: true }) } })
}

beforeEach(async () => {
  await query(database.adminUrl, 'UPDATE users SET disabled_at = NULL')
  alice = await seedUser()
  bob = await seedUser()
  agent = await seedAgent(alice)
  server = await seedServer(toolboxId)
  served(echo)
  const testId = await seedPassedTest(alice, agent.id, server)
  const { id } = await createConnection({
    ctx: alice.ctx,
    input: { agentId: agent.id, serverId: server.id, testId, prefixTools: true },
  })
  connectionId = id
})

const served = (handler: RpcHandler) => toolbox.instances.set(server.instanceId, mcpPeer(handler).listener)
const list = (ctx = alice.ctx) => listTools({ ctx, input: { agentId: agent.id } })
const call = (args: Record<string, unknown> = {}, name = tool(), ctx = alice.ctx) =>
  callTool({ ctx, input: { agentId: agent.id, name, arguments: args } })
const tickets = () => query<{ hash: Buffer }>(database.adminUrl, 'SELECT hash FROM agent_tickets')

describe('tools.list and tools.call', () => {
  it('show and call an agent’s tools as the gateway gives them to it, with all that was said', async () => {
    const { tools, backends, messages } = await list()
    expect(tools).toMatchObject([{ name: tool(), inputSchema: { type: 'object' } }])
    expect(backends).toEqual({})
    expect(messages.map(({ direction }) => direction)).toContain('received')

    const called = await call({ message: 'hello' })
    expect(called).toMatchObject({
      outcome: 'ok',
      result: { content: [{ type: 'text', text: 'hello' }] },
      error: null,
      latencyMs: expect.any(Number),
    })
    expect(
      called.messages.map(({ direction, message }) => [direction, (message as { method?: string }).method]),
    ).toEqual([
      ['sent', 'initialize'],
      ['received', undefined],
      ['sent', 'notifications/initialized'],
      ['sent', 'tools/call'],
      ['received', undefined],
    ])
    expect(called.messages.at(-1)).toMatchObject({ status: 200, message: { result: called.result } })
  })

  it('tell a tool that failed from a call that has no result', async () => {
    expect(await call({ message: 'no', fail: true })).toMatchObject({ outcome: 'tool_error', error: null })
    expect(await call({}, `${server.name}__nothing`)).toMatchObject({
      outcome: 'failed',
      result: null,
      error: { code: expect.any(Number), message: expect.any(String) },
    })
  })

  it('stand in the log of calls and in the usage of the agent, marked as tried', async () => {
    await call()
    await call({ fail: true })
    const items = async () => {
      const page = await listCalls({ ctx: alice.ctx, input: { id: connectionId, limit: 10 } })
      return page.items.map(({ tool, outcome, via }) => ({ tool, outcome, via }))
    }
    await expect
      .poll(items)
      .toEqual(['tool_error', 'ok'].map((outcome) => ({ tool: 'echo', outcome, via: 'inspector' })))
    const { total } = await agentUsage({ ctx: alice.ctx, input: { id: agent.id, range: '24h' } })
    expect(total).toMatchObject({ calls: 2, errors: 1, bytes: expect.any(Number) })
  })

  it('keep to what the owner has switched off', async () => {
    await updateConnection({
      ctx: alice.ctx,
      input: { id: connectionId, tools: [{ name: 'echo', enabled: false }] },
    })
    await expect.poll(async () => (await list()).tools).toEqual([])
    expect(await call()).toMatchObject({ outcome: 'failed', result: null })
  })

  it('are the agent’s owner’s alone', async () => {
    expect(await refusalOf(list(bob.ctx))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refusalOf(call({}, tool(), bob.ctx))).toMatchObject({ code: 'NOT_FOUND' })
    await deleteAgent({ ctx: alice.ctx, input: { id: agent.id } })
    expect(await refusalOf(list())).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('leave no ticket behind, and say none', async () => {
    let ticket = ''
    served(({ id }, response) => {
      void tickets().then(([row]) => {
        ticket = row?.hash.toString('hex') ?? ''
        answerJson(response, { jsonrpc: '2.0', id, result: { content: [] } })
      })
    })
    const { messages } = await call()
    expect(ticket).not.toBe('')
    expect(JSON.stringify(messages)).not.toContain('tba_')
    expect(await tickets()).toEqual([])
  })

  it('end at once when the user is disabled in the middle of a call', async () => {
    served(() => {
      void query(database.adminUrl, 'UPDATE users SET disabled_at = now() WHERE id = $1', [alice.id])
    })
    const ended = await call().then(
      ({ outcome }) => outcome,
      (error: { code?: string }) => error.code,
    )
    expect(['failed', 'AGENT_TOKEN_INVALID', 'GATEWAY_UNREACHABLE']).toContain(ended)
  })
})

describe('a ticket', () => {
  const [good, late, none, short] = [newToken(), newToken(), newToken(), newToken()]
  const post = (token: string) =>
    gateway.post(token, {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    })
  const insert = (token: string, seconds: number) =>
    query(
      database.adminUrl,
      `INSERT INTO agent_tickets (hash, agent_id, user_id, expires_at) VALUES ($1, $2, $3, now() + make_interval(secs => $4))`,
      [hashToken(token), agent.id, alice.id, seconds],
    )

  it('opens its agent until it expires, and ends with its user', async () => {
    await insert(good, 60)
    await insert(late, -1)
    expect((await post(good)).status).toBe(200)
    expect((await post(late)).status).toBe(401)
    expect((await post(none)).status).toBe(401)
    await query(database.adminUrl, 'UPDATE users SET disabled_at = now() WHERE id = $1', [alice.id])
    await expect.poll(async () => (await post(good)).status).toBe(401)
  })

  it('that expires while the gateway knows it is refused from then on', async () => {
    await insert(short, 2)
    expect((await post(short)).status).toBe(200)
    await expect.poll(async () => (await post(short)).status).toBe(401)
  })
})

describe('arguments', () => {
  const parse = (args: unknown) =>
    CallTool.safeParse({ agentId: crypto.randomUUID(), name: 'a', arguments: args })
  it('are any JSON object of at most 1 MiB', () => {
    expect(parse({ a: [1, { b: null }] }).success).toBe(true)
    expect(parse({ a: 'x'.repeat(MAX_ARGUMENT_BYTES - 8) }).success).toBe(true)
    let deep: unknown = 1
    for (let at = 0; at < 100_000; at++) deep = [deep]
    for (const wrong of [
      { a: 'x'.repeat(MAX_ARGUMENT_BYTES - 7) },
      { a: 'ü'.repeat(MAX_ARGUMENT_BYTES / 2) },
      { a: 1n },
      { deep },
      [],
      'x',
    ])
      expect(parse(wrong).success).toBe(false)
  })
})
