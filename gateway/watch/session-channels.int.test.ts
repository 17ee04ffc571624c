import { createHash } from 'node:crypto'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSseParser } from '#mcp/sse.ts'
import { createIdentity, type Identity } from '#protocol/identity.ts'
import { type ChannelPeer, createChannelPeer } from '#testing/channel-peer.ts'
import {
  INITIALIZE,
  newToken,
  startTestGateway,
  type TestGateway,
  testAgent,
  testConnection,
} from '#testing/gateway.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let identity: Identity
let toolbox: ToolboxStandIn
let gateway: TestGateway

beforeAll(async () => {
  identity = await createIdentity('gateway')
  ;[redis, toolbox] = await Promise.all([createTestRedis(), startToolboxStandIn(identity.certificate)])
  gateway = await startTestGateway(redis.url, { identity })
})
afterAll(async () => {
  await gateway.close(0)
  await Promise.all([toolbox.stop(), redis.stop()])
})

/** The token of an agent with one connection, to this server. */
function agentOf(peer: ChannelPeer, at = gateway): string {
  const connection = testConnection(toolbox, { tools: peer.tools, prefixTools: false })
  toolbox.instances.set(connection.instanceId ?? '', peer.listener)
  const token = newToken()
  at.rights.set(token, testAgent([connection]))
  return token
}

type Message = {
  id?: string | number
  method?: string
  params?: Record<string, unknown>
  result?: { content?: { text: string }[] }
}

/** A client by hand that answers questions and has no stream of its own. `heard` is what came on the streams of its calls. */
async function withoutStream(token: string, at = gateway) {
  const initialize = { ...INITIALIZE, params: { ...INITIALIZE.params, capabilities: { elicitation: {} } } }
  const opened = await at.post(token, initialize)
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  async function call(id: number, name: string, args: object = {}) {
    const params = { name, arguments: args, _meta: { progressToken: `mine-${id}` } }
    const response = await at.post(token, { jsonrpc: '2.0', id, method: 'tools/call', params }, session)
    const heard: Message[] = []
    const parser = createSseParser({ maxEventChars: 100_000 })
    const decoder = new TextDecoder()
    if (response.headers.get('content-type') === 'application/json')
      return { heard, result: ((await response.json()) as Message).result }
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      for (const { data } of parser.push(decoder.decode(chunk, { stream: true }))) {
        const message = JSON.parse(data) as Message
        heard.push(message)
        if (message.method !== 'elicitation/create') continue
        await at.post(
          token,
          { jsonrpc: '2.0', id: message.id, result: { action: 'accept', content: {} } },
          session,
        )
      }
    }
    return { heard, result: heard.at(-1)?.result }
  }
  return { call, session }
}

/** The SDK's client, with a stream. */
async function withStream(token: string) {
  const client = new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: {} } })
  let questions = 0
  client.setRequestHandler(ElicitRequestSchema, () => {
    questions++
    return { action: 'accept', content: {} }
  })
  const transport = new StreamableHTTPClientTransport(new URL(`/t/${token}/mcp`, gateway.origin))
  await client.connect(transport)
  return { client, transport, questions: () => questions }
}

const hashOf = (token: string) => createHash('sha256').update(token).digest()
const onlySession = (peer: ChannelPeer) => {
  const ids = [...peer.sessions].filter(([, { server }]) => server.getClientCapabilities()?.elicitation)
  expect(ids).toHaveLength(1)
  return ids[0]?.[0] ?? ''
}

it('asks the client on the stream of its only call what a server asks on the session’s', async () => {
  const peer = createChannelPeer()
  const { call } = await withoutStream(agentOf(peer))
  const { heard, result } = await call(1, 'ask')
  expect(heard.map(({ method }) => method)).toEqual(['elicitation/create', undefined])
  expect(result?.content?.[0]?.text).toContain('accept')
  // The same channel serves the next call.
  expect((await call(2, 'ask')).result?.content?.[0]?.text).toContain('accept')
  expect([peer.gets, peer.streams]).toEqual([1, 1])
})

it('refuses at once when no call and no stream can be asked, or more than one call could', async () => {
  const peer = createChannelPeer()
  const { call } = await withoutStream(agentOf(peer))
  await call(1, 'plain')
  await expect(peer.ask(onlySession(peer))).rejects.toMatchObject({ code: -32_601 })
  const waiting = [call(2, 'wait', { label: 'a' }), call(3, 'wait', { label: 'b' })]
  await expect.poll(() => peer.waiting).toBe(2)
  await expect(peer.ask(onlySession(peer))).rejects.toMatchObject({ code: -32_601 })
  peer.release()
  const [a, b] = await Promise.all(waiting)
  const progress = (one: typeof a) => one?.heard.find(({ method }) => method?.endsWith('progress'))?.params
  // Each hears of its own progress, under its own token.
  expect(progress(a)).toMatchObject({ progressToken: 'mine-2', message: 'a' })
  expect(progress(b)).toMatchObject({ progressToken: 'mine-3', message: 'b' })
})

it('asks on the client’s stream at another replica, and refuses where no replica has one', async () => {
  const other = await startTestGateway(redis.url, { identity })
  try {
    const peer = createChannelPeer()
    const token = agentOf(peer)
    other.rights.set(token, await gateway.rights.load(hashOf(token)))
    const { call, session } = await withoutStream(token)
    await call(1, 'plain')
    await expect(peer.ask(onlySession(peer))).rejects.toMatchObject({ code: -32_601 })
    const leaving = new AbortController()
    const stream = await fetch(`${other.origin}/t/${token}/mcp`, {
      headers: { accept: 'text/event-stream', ...session },
      signal: leaving.signal,
    })
    let asked = 0
    async function answer(): Promise<void> {
      const parser = createSseParser({ maxEventChars: 100_000 })
      const decoder = new TextDecoder()
      for await (const chunk of stream.body as AsyncIterable<Uint8Array>)
        for (const { data } of parser.push(decoder.decode(chunk, { stream: true }))) {
          const { id, method } = JSON.parse(data) as Message
          if (method !== 'elicitation/create') continue
          // The answer may come to either of them.
          const at = ++asked === 1 ? other : gateway
          await at.post(token, { jsonrpc: '2.0', id, result: { action: 'accept', content: {} } }, session)
        }
    }
    const answering = answer().catch(() => {})
    for (let i = 0; i < 2; i++) expect(await peer.ask(onlySession(peer))).toMatchObject({ action: 'accept' })
    expect(asked).toBe(2)
    leaving.abort()
    await answering
  } finally {
    await other.close(0)
  }
})

it('asks on the client’s stream outside of calls, opens a broken channel again, and ends all with the session', async () => {
  const peer = createChannelPeer()
  const { client, transport, questions } = await withStream(agentOf(peer))
  await client.callTool({ name: 'plain' })
  const session = onlySession(peer)
  // The client opens its stream when it likes.
  await expect.poll(() => peer.ask(session).then(questions, () => 0)).toBe(1)
  const before = peer.gets
  peer.cut()
  await expect.poll(() => peer.gets).toBeGreaterThanOrEqual(before * 2)
  await expect.poll(() => peer.streams).toBe(before)
  expect(await peer.ask(session)).toMatchObject({ action: 'accept' })
  expect(questions()).toBe(2)
  await transport.terminateSession()
  await client.close()
  await expect.poll(() => [peer.streams, peer.sessions.has(session)]).toEqual([0, false])
})

it('tells of resources in the session that a client subscribed with, and takes subscriptions back', async () => {
  const peer = createChannelPeer()
  const { client, transport } = await withStream(agentOf(peer))
  const heard: string[] = []
  client.setNotificationHandler(
    ResourceUpdatedNotificationSchema,
    ({ params }) => void heard.push(params.uri),
  )
  await client.subscribeResource({ uri: 'test://one' })
  const session = onlySession(peer)
  const watched = () => [...(peer.sessions.get(session)?.subscribed ?? [])]
  expect(watched()).toEqual(['test://one'])
  await expect
    .poll(async () => {
      await peer.sessions.get(session)?.server.sendResourceUpdated({ uri: 'test://one' })
      return heard
    })
    .toContain('test://one')
  await client.unsubscribeResource({ uri: 'test://one' })
  await expect.poll(watched).toEqual([])
  await transport.terminateSession()
  await client.close()
  await expect.poll(() => peer.streams).toBe(0)
})

it('ends what it holds open at a server when its agent is disconnected from that', async () => {
  const peer = createChannelPeer()
  const token = agentOf(peer)
  const { client } = await withStream(token)
  await client.callTool({ name: 'plain' })
  await client.subscribeResource({ uri: 'test://one' })
  // One for the client, and one for what changes for all.
  await expect.poll(() => peer.streams).toBe(2)
  const rights = await gateway.rights.load(hashOf(token))
  gateway.rights.set(token, rights && { ...rights, connections: [] })
  await expect.poll(() => [peer.streams, peer.sessions.size]).toEqual([0, 0])
  await client.close()
})

it.each([404, 405] as const)(
  'takes no for an answer from a server without streams that says %i',
  async (status) => {
    const peer = createChannelPeer({ refuseStreams: status })
    const { call } = await withoutStream(agentOf(peer))
    for (let id = 1; id <= 3; id++)
      expect((await call(id, 'plain')).result?.content?.[0]?.text).toContain('plain')
    expect(peer.gets).toBe(1)
    // It has not lost the session by that.
    onlySession(peer)
  },
)

it('closes a channel that nobody needs any more', async () => {
  const short = await startTestGateway(redis.url, { identity, channelIdleMs: 100 })
  try {
    const peer = createChannelPeer()
    const { call } = await withoutStream(agentOf(peer, short), short)
    await call(1, 'plain')
    expect(peer.gets).toBe(1)
    await expect.poll(() => peer.streams).toBe(0)
    expect((await call(2, 'ask')).result?.content?.[0]?.text).toContain('accept')
    onlySession(peer)
  } finally {
    await short.close(0)
  }
})
