import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  STATELESS_VERSION,
} from '#mcp/stateless.ts'
import { createIdentity } from '#protocol/identity.ts'
import { TOOLS } from '#testing/conformance/fixture.ts'
import { type ConformanceFixture, startConformanceFixture } from '#testing/conformance/start-fixture.ts'
import { newToken, startTestGateway, type TestGateway, testAgent, testConnection } from '#testing/gateway.ts'
import { answerJson, mcpPeer, type Rpc } from '#testing/mcp-peer.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { type StatelessAnswer, statelessAgent } from '#testing/stateless-agent.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let toolbox: ToolboxStandIn
let replicas: [TestGateway, TestGateway]
/** Keeps sessions, and knows nothing of the stateless era. */
let fixture: ConformanceFixture

beforeAll(async () => {
  const identity = await createIdentity('gateway')
  ;[redis, toolbox, fixture] = await Promise.all([
    createTestRedis(),
    startToolboxStandIn(identity.certificate),
    startConformanceFixture(0, { stateless: false }),
  ])
  const one = await startTestGateway(redis.url, { identity })
  replicas = [one, await startTestGateway(redis.url, { identity, rights: one.rights })]
})
afterAll(async () => {
  await Promise.all(replicas.map((gateway) => gateway.close(0)))
  await Promise.all([toolbox.stop(), redis.stop(), fixture.stop()])
})

/** The same agent at each replica, whose only server is the fixture. */
function agents() {
  const tools = TOOLS.map(({ definition }) => definition)
  const connection = testConnection(toolbox, { tools, prefixTools: false })
  toolbox.instances.set(connection.instanceId ?? '', fixture.url)
  const token = newToken()
  replicas[0].rights.set(token, testAgent([connection]))
  const [first, second] = replicas.map((gateway) => statelessAgent(gateway, token))
  if (first === undefined || second === undefined) throw new Error('two replicas')
  return { token, at: [first, second] as const }
}

const ALL = { elicitation: {}, sampling: {}, roots: {} }
const FORM = { name: 'test_elicitation', arguments: { message: 'Who are you?' } }
const ADA = { action: 'accept', content: { name: 'Ada', username: 'ada', email: 'ada@example.test' } }
const ask = (change: object = {}) => ['tools/call', { ...FORM, ...change }, { capabilities: ALL }] as const

function asked({ last: { result } }: StatelessAnswer) {
  expect(result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) })
  return { requests: result?.inputRequests ?? {}, requestState: result?.requestState }
}

describe('a server with sessions that asks an agent without', () => {
  it.each([0, 1] as const)('goes on with the call when the answer comes to replica %i', async (index) => {
    const { at } = agents()
    const { requests, requestState } = asked(await at[0].ask(...ask()))
    const [[key, question] = ['', undefined]] = Object.entries(requests)
    expect(question).toMatchObject({ method: 'elicitation/create', params: { message: 'Who are you?' } })
    const answer = { requestState, inputResponses: { [key]: ADA } }
    const { status, last } = await at[index].ask(
      'tools/call',
      { ...FORM, ...answer },
      { id: 'second', capabilities: ALL },
    )
    expect(status).toBe(200)
    expect(last).toMatchObject({ id: 'second', result: { resultType: 'complete' } })
    expect(JSON.stringify(last)).toContain('ada@example.test')
    // It is answered once.
    expect((await at[index].ask(...ask(answer))).last.error?.data).toMatchObject({ code: 'CALL_LOST' })
  })

  it('asks again for what was not answered, one thing after the other, at any replica', async () => {
    const { at } = agents()
    const call = { name: 'test_input_required_result_multiple_inputs', arguments: {} }
    const said: string[] = []
    let answer = await at[0].ask('tools/call', call, { capabilities: ALL })
    for (let round = 0; round < 6 && answer.last.result?.resultType === 'input_required'; round++) {
      const { requests, requestState } = asked(answer)
      const inputResponses: Record<string, unknown> = { unknown: {} }
      for (const [key, { method }] of Object.entries(requests)) {
        // The first time nothing is answered.
        if (said.length > 0) inputResponses[key] = method === 'roots/list' ? { roots: [] } : ADA
        said.push(method)
      }
      answer = await at[round % 2 === 0 ? 1 : 0].ask(
        'tools/call',
        { ...call, requestState, inputResponses },
        { id: round + 2, capabilities: ALL },
      )
    }
    expect(JSON.stringify(answer.last)).toContain('Answered: client_roots, greeting, user_name')
    expect(said).toEqual(['elicitation/create', 'elicitation/create', 'sampling/createMessage', 'roots/list'])
  })

  it('is not asked by an agent that did not say so', async () => {
    const { at } = agents()
    const { last, told } = await at[0].ask('tools/call', FORM, { capabilities: { sampling: {} } })
    expect(last.result?.resultType).not.toBe('input_required')
    expect(JSON.stringify(last)).toContain('Method not found: elicitation/create')
    expect(told).toEqual([])
  })

  it('says so when the process that held the call has ended', { timeout: 30_000 }, async () => {
    const { token, at } = agents()
    const { identity, rights } = replicas[0]
    const third = await startTestGateway(redis.url, { identity, rights })
    const { requests, requestState } = asked(await statelessAgent(third, token).ask(...ask()))
    await third.close(0)
    const inputResponses = Object.fromEntries(Object.keys(requests).map((key) => [key, ADA]))
    const { last } = await at[0].ask(...ask({ requestState, inputResponses }))
    expect(last.error).toMatchObject({ code: -32602, data: { code: 'CALL_LOST', retryable: false } })
  })

  it('takes a state only from whom it was given to, for what it was given', async () => {
    const { at } = agents()
    const { requests, requestState = '' } = asked(await at[0].ask(...ask()))
    const inputResponses = Object.fromEntries(Object.keys(requests).map((key) => [key, ADA]))
    const wrong = { code: -32602, message: expect.stringContaining('requestState') }
    const other = { arguments: { message: 'Something else' } }
    for (const change of [{ requestState: `${requestState}x` }, { requestState: 'toolberth.' }, other])
      expect((await at[1].ask(...ask({ requestState, inputResponses, ...change }))).last.error).toMatchObject(
        wrong,
      )
    expect((await agents().at[0].ask(...ask({ requestState, inputResponses }))).last.error).toMatchObject(
      wrong,
    )
    expect((await at[0].ask(...ask({ requestState }))).last.error).toMatchObject({ code: -32602 })
    // None of these took the call away.
    const { last } = await at[0].ask(...ask({ requestState, inputResponses }))
    expect(last.result?.resultType).toBe('complete')
  })
})

it('log messages come on the answer’s stream, to those who name a level', async () => {
  const { at } = agents()
  const call = { name: 'test_logging_tool', arguments: {} }
  expect((await at[0].ask('tools/call', call)).told).toEqual([])
  const { told, last } = await at[0].ask('tools/call', call, { meta: { [META_LOG_LEVEL]: 'info' } })
  expect(told[0]).toMatchObject({ method: 'notifications/message', params: { level: 'info' } })
  expect(last.result?.resultType).toBe('complete')
})

it('progress comes under the agent’s own token', async () => {
  const call = { name: 'test_tool_with_progress', arguments: {} }
  const { told } = await agents().at[0].ask('tools/call', call, { meta: { progressToken: 'mine' } })
  expect(told.map(({ params }) => params?.progressToken)).toEqual(['mine', 'mine', 'mine'])
})

describe('a server of the same era', () => {
  const asks = {
    resultType: 'input_required',
    inputRequests: { f: { method: 'elicitation/create', params: {} } },
  }
  function peer() {
    const { listener, got } = mcpPeer(({ id, method, params }, response) => {
      const discovered = { supportedVersions: [STATELESS_VERSION], capabilities: { tools: {} } }
      const said =
        params?.inputResponses === undefined ? { ...asks, requestState: 'theirs' } : { content: [] }
      answerJson(response, { jsonrpc: '2.0', id, result: method === 'server/discover' ? discovered : said })
    })
    return { listener, got }
  }

  it('asks, and gets answers and state as the agent sends them', async () => {
    const { listener, got } = peer()
    const raw = await replicas[0].agentAt(toolbox, listener)
    const agent = statelessAgent(replicas[0], raw.token)
    const call = { name: 's__tool', arguments: { a: 1 } }
    const first = await agent.ask('tools/call', call, { capabilities: ALL })
    expect(first.last.result).toMatchObject({ ...asks, requestState: 'theirs' })
    const answer = { requestState: 'theirs', inputResponses: { f: ADA } }
    const meta = {
      traceparent: '00-1-2-01',
      'example.test/own': 1,
      [META_CLIENT_INFO]: { name: 'me', version: '1' },
    }
    const { last } = await agent.ask('tools/call', { ...call, ...answer }, { capabilities: ALL, meta })
    expect(last.result).toEqual({ resultType: 'complete', content: [] })
    const calls = got.filter(({ method }) => method === 'tools/call')
    expect(calls.map(({ params }) => params)).toMatchObject([
      { name: 'tool', _meta: { [META_CLIENT_CAPABILITIES]: ALL } },
      { ...answer, name: 'tool', arguments: { a: 1 }, _meta: meta },
    ])
  })

  it('does not ask what the agent did not declare', async () => {
    const raw = await replicas[0].agentAt(toolbox, peer().listener)
    const { status, last } = await statelessAgent(replicas[0], raw.token).ask('tools/call', {
      name: 's__tool',
    })
    expect(status).toBe(400)
    const data = { requiredCapabilities: { elicitation: {} } }
    expect(last.error).toMatchObject({ code: -32021, data })
  })
})

describe('a call at a server with sessions', () => {
  /** Asks for a form in each call, and then never ends it. */
  async function askingPeer() {
    const open: { id: Rpc['id']; answered: boolean }[] = []
    const peer = mcpPeer((message, response) => {
      if (message.method !== 'tools/call')
        return answerJson(response, {
          jsonrpc: '2.0',
          id: message.id,
          error: { code: -32601, message: 'no' },
        })
      open.push({ id: message.id, answered: false })
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const params = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } }
      const request = { jsonrpc: '2.0', id: `form-${open.length}`, method: 'elicitation/create', params }
      response.write(`data: ${JSON.stringify(request)}\n\n`)
    })
    const raw = await replicas[0].agentAt(toolbox, peer.listener)
    return { raw, peer, at: replicas.map((gateway) => statelessAgent(gateway, raw.token)) }
  }
  const CALL = { name: 's__tool', arguments: {} }

  it.each([0, 1])('is cancelled there when the agent closes its stream at replica %i', async (index) => {
    const { peer, at } = await askingPeer()
    const { requests, requestState } = asked(
      (await at[0]?.ask('tools/call', CALL, { capabilities: ALL })) as StatelessAnswer,
    )
    const inputResponses = Object.fromEntries(Object.keys(requests).map((key) => [key, ADA]))
    const closing = new AbortController()
    const gone = at[index]
      ?.ask(
        'tools/call',
        { ...CALL, requestState, inputResponses },
        { capabilities: ALL, signal: closing.signal },
      )
      .catch(() => 'gone')
    await expect.poll(() => peer.got.some(({ result }) => result !== undefined)).toBe(true)
    closing.abort()
    expect(await gone).toBe('gone')
    const cancelled = ({ method, params }: Rpc) =>
      method === 'notifications/cancelled' && params?.requestId === callOf(peer.got)
    await expect.poll(() => peer.got.some(cancelled)).toBe(true)
  })

  it('ends with the agent’s right, also while nobody waits for it', async () => {
    const { raw, peer, at } = await askingPeer()
    const { requestState } = asked(
      (await at[0]?.ask('tools/call', CALL, { capabilities: ALL })) as StatelessAnswer,
    )
    const hash = createHash('sha256').update(raw.token).digest()
    const rights = await replicas[0].rights.load(hash)
    replicas[0].rights.set(raw.token, null)
    await expect
      .poll(() => peer.got.some(({ method }) => method === 'notifications/cancelled'), { timeout: 10_000 })
      .toBe(true)
    const retry = () =>
      at[1]?.ask('tools/call', { ...CALL, requestState, inputResponses: {} }, { capabilities: ALL })
    expect((await retry())?.status).toBe(401)
    replicas[0].rights.set(raw.token, rights)
    await expect
      .poll(async () => (await retry())?.last.error?.data)
      .toMatchObject({ code: 'AGENT_TOKEN_INVALID' })
  })

  it('uses one session for all requests that declare the same', async () => {
    const { peer, at } = await askingPeer()
    const inits = () => peer.got.filter(({ method }) => method === 'initialize').length
    // The one of the agent's own session, made by hand.
    const before = inits()
    await at[0]?.ask('tools/call', CALL, { capabilities: ALL })
    await at[0]?.ask('tools/call', CALL, { capabilities: { ...ALL }, id: 2 })
    expect(inits()).toBe(before + 1)
    await at[0]?.ask('tools/call', CALL, { capabilities: { elicitation: {} } })
    expect(inits()).toBe(before + 2)
  })

  function callOf(got: readonly Rpc[]): unknown {
    return got.find(({ method }) => method === 'tools/call')?.id
  }
})
