import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSseParser } from '#mcp/sse.ts'
import { envelopeOf, META_SUBSCRIPTION_ID, STATELESS_VERSION } from '#mcp/stateless.ts'
import { createIdentity, type Identity } from '#protocol/identity.ts'
import { createChannelPeer } from '#testing/channel-peer.ts'
import { TOOLS } from '#testing/conformance/fixture.ts'
import { type ConformanceFixture, startConformanceFixture } from '#testing/conformance/start-fixture.ts'
import { newToken, startTestGateway, type TestGateway, testAgent, testConnection } from '#testing/gateway.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let fixture: ConformanceFixture
let identity: Identity
let toolbox: ToolboxStandIn
let gateway: TestGateway

beforeAll(async () => {
  identity = await createIdentity('gateway')
  ;[redis, fixture, toolbox] = await Promise.all([
    createTestRedis(),
    startConformanceFixture(),
    startToolboxStandIn(identity.certificate),
  ])
  gateway = await startTestGateway(redis.url, { identity })
})
afterAll(async () => {
  await gateway.close(0)
  await Promise.all([toolbox.stop(), fixture.stop(), redis.stop()])
})

type Message = {
  id?: unknown
  method?: string
  params?: { _meta?: Record<string, unknown>; uri?: string; notifications?: object }
  result?: Record<string, unknown>
  error?: { code: number; message: string }
}

/** An agent at the fixture, which speaks both eras, and whatever else it is given. */
function atFixture(at = gateway) {
  const connection = testConnection(toolbox, {
    tools: TOOLS.map(({ definition }) => definition),
    prefixTools: false,
  })
  toolbox.instances.set(connection.instanceId ?? '', fixture.url)
  const token = newToken()
  const rights = testAgent([connection])
  at.rights.set(token, rights)
  return { token, rights }
}

function post(token: string, method: string, params: object, at = gateway, headers: object = {}) {
  const body = { jsonrpc: '2.0', id: `${method}-id`, method, params: { ...params, _meta: envelopeOf({}) } }
  return at.post(token, body, { 'mcp-protocol-version': STATELESS_VERSION, 'mcp-method': method, ...headers })
}

const call = (token: string, name: string) =>
  post(token, 'tools/call', { name, arguments: {} }, gateway, { 'mcp-name': name })

/** Listens; `heard` grows while it is open. */
async function listen(token: string, notifications: object, at = gateway) {
  const response = await post(token, 'subscriptions/listen', { notifications }, at)
  const heard: Message[] = []
  const reader = response.body?.getReader()
  const parser = createSseParser({ maxEventChars: 100_000 })
  const decoder = new TextDecoder()
  async function read(): Promise<void> {
    for (let chunk = await reader?.read(); chunk?.value !== undefined; chunk = await reader?.read())
      for (const { data } of parser.push(decoder.decode(chunk.value, { stream: true })))
        heard.push(JSON.parse(data) as Message)
  }
  const ended = read()
  return { response, heard, ended, leave: async () => reader?.cancel() }
}

const methods = (heard: Message[]) => heard.map(({ method }) => method)

it('acknowledges first, then tells what was asked for and nothing else, under the id of the request', async () => {
  const { token } = atFixture()
  const tools = await listen(token, { toolsListChanged: true, promptsListChanged: false })
  const prompts = await listen(token, { promptsListChanged: true, resourcesListChanged: true })
  await expect.poll(() => [tools.heard.length, prompts.heard.length]).toEqual([1, 1])
  expect(tools.heard[0]).toMatchObject({
    method: 'notifications/subscriptions/acknowledged',
    params: { notifications: { toolsListChanged: true } },
  })
  expect(prompts.heard[0]?.params?.notifications).toEqual({
    promptsListChanged: true,
    resourcesListChanged: true,
  })
  // Again and again, for a slow server may not be listened to yet.
  await expect
    .poll(async () => {
      await call(token, 'test_trigger_tool_change')
      await call(token, 'test_trigger_prompt_change')
      return [methods(tools.heard), methods(prompts.heard)]
    })
    .toEqual([
      expect.arrayContaining(['notifications/tools/list_changed']),
      expect.arrayContaining(['notifications/prompts/list_changed']),
    ])
  const all = [...tools.heard, ...prompts.heard]
  for (const { params } of all)
    expect(params?._meta).toEqual({ [META_SUBSCRIPTION_ID]: 'subscriptions/listen-id' })
  expect(methods(tools.heard)).not.toContain('notifications/prompts/list_changed')
  expect(methods(prompts.heard)).not.toContain('notifications/tools/list_changed')
  await Promise.all([tools.leave(), prompts.leave()])
})

it('tells of resources, whether their server keeps sessions or not, and leaves nothing behind', async () => {
  const { token, rights } = atFixture()
  const peer = createChannelPeer()
  const sessions = testConnection(toolbox, { tools: peer.tools, slug: 'peer' })
  toolbox.instances.set(sessions.instanceId ?? '', peer.listener)
  gateway.rights.set(token, { ...rights, connections: [...rights.connections, sessions] })
  // A list does not wait for servers that are slow.
  await expect
    .poll(async () => (await post(token, 'resources/list', {})).text())
    .toMatch(/watched-resource.*test:\/\/one/)
  const wanted = ['test://watched-resource', 'test://one', 'test://nobody-has-this']
  const { heard, leave } = await listen(token, { resourceSubscriptions: wanted })
  await expect.poll(() => heard.length).toBe(1)
  // What none of its servers is known to have cannot be told of.
  expect(heard[0]?.params?.notifications).toEqual({ resourceSubscriptions: wanted.slice(0, 2) })
  const subscribed = () => [...peer.sessions.values()].filter((one) => one.subscribed.has('test://one'))
  await expect.poll(() => subscribed().length).toBe(1)
  await expect
    .poll(async () => {
      await subscribed()[0]?.server.sendResourceUpdated({ uri: 'test://one' })
      await call(token, 'test_trigger_resource_update')
      return heard.map(({ params }) => params?.uri)
    })
    .toEqual(expect.arrayContaining(['test://one', 'test://watched-resource']))
  await leave()
  await expect.poll(() => [peer.streams, subscribed().length]).toEqual([0, 0])
})

it('tells what changes in the agent’s rights, and ends when it has none any more', async () => {
  const { token, rights } = atFixture()
  const { heard, ended } = await listen(token, { toolsListChanged: true, promptsListChanged: true })
  await expect.poll(() => heard.length).toBe(1)
  gateway.rights.set(token, { ...rights, connections: [] })
  await expect
    .poll(() => new Set(methods(heard).slice(1)))
    .toEqual(new Set(['notifications/prompts/list_changed', 'notifications/tools/list_changed']))
  gateway.rights.set(token, null)
  await ended
  expect(heard.at(-1)).toMatchObject({
    id: 'subscriptions/listen-id',
    result: { resultType: 'complete', _meta: { [META_SUBSCRIPTION_ID]: 'subscriptions/listen-id' } },
  })
})

it('refuses what is no filter, ends at once where nothing can be told, and bounds the streams of an agent', async () => {
  const { token } = atFixture()
  for (const notifications of [
    undefined,
    'all',
    { toolsListChanged: 'yes' },
    { resourceSubscriptions: [1] },
  ]) {
    const response = await post(token, 'subscriptions/listen', { notifications })
    expect([response.status, await response.json()]).toMatchObject([400, { error: { code: -32_602 } }])
  }
  const nothing = await listen(token, {})
  await nothing.ended
  expect(nothing.heard).toMatchObject([
    { method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } },
    { result: { resultType: 'complete' } },
  ])
  const open = await Promise.all(Array.from({ length: 64 }, () => listen(token, { toolsListChanged: true })))
  const refused = await post(token, 'subscriptions/listen', { notifications: { toolsListChanged: true } })
  expect(await refused.json()).toMatchObject({ error: { data: { code: 'TOO_MANY_CALLS', retryable: true } } })
  await Promise.all(open.map(({ leave }) => leave()))
  await expect
    .poll(async () => {
      const again = await listen(token, { toolsListChanged: true })
      await again.leave()
      return again.response.headers.get('content-type')
    })
    .toBe('text/event-stream')
})

it('ends with a result when the gateway stops', async () => {
  const stopping = await startTestGateway(redis.url, { identity })
  const { token } = atFixture(stopping)
  const { heard, ended } = await listen(token, { toolsListChanged: true }, stopping)
  await expect.poll(() => heard.length).toBe(1)
  await stopping.close(0)
  await ended
  expect(heard.at(-1)).toMatchObject({ result: { resultType: 'complete' } })
})
