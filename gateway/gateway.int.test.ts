import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ToolDefinition } from '#contracts/probe.ts'
import { probeMcp } from '#mcp/probe.ts'
import { createIdentity, type Identity } from '#protocol/identity.ts'
import { startEverythingServer } from '#testing/everything-server.ts'
import { newToken, startTestGateway, type TestGateway, testAgent, testConnection } from '#testing/gateway.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let identity: Identity
let toolbox: ToolboxStandIn
let everything: Awaited<ReturnType<typeof startEverythingServer>>
let tools: ToolDefinition[]
let gateway: TestGateway
let replica: TestGateway

beforeAll(async () => {
  identity = await createIdentity('gateway')
  ;[redis, everything, toolbox] = await Promise.all([
    createTestRedis(),
    startEverythingServer(),
    startToolboxStandIn(identity.certificate),
  ])
  const probe = await probeMcp({ url: everything.url, timeoutMs: 10_000 })
  if (!probe.ok) throw new Error(probe.failure.message)
  tools = probe.tools
  gateway = await startTestGateway(redis.url, { identity })
  replica = await startTestGateway(redis.url, { identity, rights: gateway.rights })
})

afterAll(async () => {
  await Promise.all([gateway.close(0), replica.close(0)])
  await Promise.all([toolbox.stop(), everything.stop(), redis.stop()])
})

/** An agent with one connection to server-everything. */
function agentWithEverything(slug = 'every') {
  const connection = testConnection(toolbox, { tools, slug })
  toolbox.instances.set(connection.instanceId ?? '', everything.url)
  const rights = testAgent([connection])
  const token = newToken()
  gateway.rights.set(token, rights)
  return { token, rights, connection }
}

const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]?.text

describe('an agent with the official client', () => {
  it('lists and calls the tools of its connection', async () => {
    const { token, rights } = agentWithEverything()
    const { client, transport } = await gateway.connect(token, rights.agentId)
    expect(transport.protocolVersion).toBe('2025-11-25')
    const list = await client.listTools()
    expect(list.tools.map(({ name }) => name)).toEqual(tools.map(({ name }) => `every__${name}`))
    expect(textOf(await client.callTool({ name: 'every__echo', arguments: { message: 'hello' } }))).toBe(
      'Echo: hello',
    )
    const sum = await client.callTool({ name: 'every__get-sum', arguments: { a: 2, b: 40 } })
    expect(textOf(sum)).toContain('42')
    await client.ping()
    await transport.terminateSession()
    await client.close()
  })

  it('is served under the address with its token too, and never passes the token on', async () => {
    const { token } = agentWithEverything('other')
    const before = toolbox.seen.length
    const { client } = await gateway.connect(token)
    expect(textOf(await client.callTool({ name: 'other__echo', arguments: { message: 'x' } }))).toBe(
      'Echo: x',
    )
    await client.close()
    const passed = toolbox.seen.slice(before)
    expect(passed.length).toBeGreaterThan(0)
    expect(JSON.stringify(passed)).not.toContain(token)
    expect(passed.every(({ headers }) => headers.authorization === undefined)).toBe(true)
    expect(JSON.stringify(gateway.logged)).not.toContain(token)
  })

  it('gets progress under its own token, also when two agents use equal ids and tokens', async () => {
    const agents = [agentWithEverything('one'), agentWithEverything('two')]
    const clients = await Promise.all(agents.map(({ token }) => gateway.connect(token)))
    const seen: number[][] = [[], []]
    const steps = [4, 2]
    const results = await Promise.all(
      clients.map(({ client }, index) =>
        client.callTool(
          {
            name: `${index === 0 ? 'one' : 'two'}__trigger-long-running-operation`,
            arguments: { duration: 0.4, steps: steps[index] },
          },
          undefined,
          { onprogress: ({ progress }) => seen[index]?.push(progress) },
        ),
      ),
    )
    expect(seen).toEqual([
      [1, 2, 3, 4],
      [1, 2],
    ])
    expect(textOf(results[0])).toContain('Steps: 4')
    expect(textOf(results[1])).toContain('Steps: 2')
    await Promise.all(clients.map(({ client }) => client.close()))
  })

  it('goes on with its session at another replica, until it ends it', async () => {
    const { token, rights } = agentWithEverything()
    const { client, transport } = await gateway.connect(token, rights.agentId)
    const session = { 'mcp-session-id': transport.sessionId ?? '' }
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    expect((await replica.post(token, list, session)).status).toBe(200)
    await transport.terminateSession()
    expect((await replica.post(token, list, session)).status).toBe(404)
    expect((await gateway.post(token, list, session)).status).toBe(404)
    await client.close()
  })

  it('cancels a call that runs at another replica', async () => {
    const { token } = agentWithEverything()
    const session = { 'mcp-session-id': await gateway.session(token) }
    const name = 'every__trigger-long-running-operation'
    const params = { name, arguments: { duration: 30, steps: 3 } }
    const response = await gateway.post(
      token,
      { jsonrpc: '2.0', id: 'long', method: 'tools/call', params },
      session,
    )
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'long' } }
    expect((await replica.post(token, cancel, session)).status).toBe(202)
    expect(await response.text()).not.toContain('"result"')
  })

  it('is told when its tools change', async () => {
    const { token, rights, connection } = agentWithEverything()
    const headers = { accept: 'text/event-stream', 'mcp-session-id': await gateway.session(token) }
    const stream = await fetch(`${gateway.origin}/t/${token}/mcp`, { headers })
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    const second = { ...connection, id: randomUUID(), slug: 'second' }
    gateway.rights.set(token, { ...rights, connections: [connection, second] })
    expect((await reader?.read())?.value).toContain('notifications/tools/list_changed')
    await reader?.cancel()
    const { client } = await gateway.connect(token)
    expect((await client.listTools()).tools).toHaveLength(tools.length * 2)
    await client.close()
  })
})

describe('revocation', () => {
  it('answers 401, and ends streams and calls under way', async () => {
    const { token, rights, connection } = agentWithEverything()
    const { client, transport } = await gateway.connect(token, rights.agentId)
    const headers = { accept: 'text/event-stream', 'mcp-session-id': transport.sessionId ?? '' }
    const stream = await fetch(`${gateway.origin}/t/${token}/mcp`, { headers })
    expect(stream.status).toBe(200)
    const call = client.callTool({
      name: 'every__trigger-long-running-operation',
      arguments: { duration: 30, steps: 2 },
    })
    const failed = call.then(() => 'answered', String)
    // Two sessions are begun with two messages each, the agent's and that of the open stream; the fifth is the call.
    const sent = () =>
      toolbox.seen.filter(
        ({ instanceId, method }) => instanceId === connection.instanceId && method === 'POST',
      )
    await expect.poll(() => sent().length).toBe(5)
    gateway.rights.set(token, null)
    expect(await failed).toContain('unknown or revoked')
    await stream.text()
    const response = await fetch(`${gateway.origin}/t/${token}/mcp`, { method: 'POST', headers, body: '{}' })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('invalid_token')
    await client.close()
  })

  it('ends a call whose connection is gone, and leaves the others', async () => {
    const { token, rights, connection } = agentWithEverything()
    const { client } = await gateway.connect(token, rights.agentId)
    const other = { ...connection, id: randomUUID(), slug: 'stays' }
    gateway.rights.set(token, { ...rights, connections: [connection, other] })
    const longCall = (slug: string, duration: number) =>
      client.callTool({ name: `${slug}__trigger-long-running-operation`, arguments: { duration, steps: 2 } })
    await expect.poll(async () => (await client.listTools()).tools.length).toBe(tools.length * 2)
    const ended = longCall('every', 30).then(() => 'answered', String)
    const stays = longCall('stays', 1.5)
    gateway.rights.set(token, { ...rights, connections: [other] })
    expect(await ended).toContain('Unknown tool')
    expect(textOf(await stays)).toContain('completed')
    await expect(client.callTool({ name: 'every__echo', arguments: { message: 'x' } })).rejects.toThrow(
      'Unknown tool',
    )
    await client.close()
  })

  it('refuses in words while the store of rights is out of reach, and serves again afterwards', async () => {
    const { token } = agentWithEverything()
    const { client } = await gateway.connect(token)
    gateway.rights.down = true
    try {
      await expect.poll(() => client.ping().then(() => 'ok', String)).toContain('cannot be reached')
    } finally {
      gateway.rights.down = false
    }
    await client.ping()
    await client.close()
  })
})
