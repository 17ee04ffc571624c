import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createIdentity, type Identity } from '#protocol/identity.ts'
import { freePort, startEverythingServer } from '#testing/everything-server.ts'
import { startTestGateway, type TestGateway } from '#testing/gateway.ts'
import { answerJson, answerParams, mcpPeer } from '#testing/mcp-peer.ts'
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
beforeEach(() => {
  toolbox.seen.length = 0
})

describe('forwarding', () => {
  it('gives back JSON as JSON, under the id of the agent, with the name and nothing else changed', async () => {
    const { listener, got } = mcpPeer(answerParams)
    const { send } = await gateway.agentAt(toolbox, listener)
    const response = await send('my-id', { arguments: { a: [1, null] }, extra: true, _meta: { own: 1 } })
    expect(response.headers.get('content-type')).toBe('application/json')
    const params = { name: 'tool', arguments: { a: [1, null] }, extra: true, _meta: { own: 1 } }
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: 'my-id',
      result: { content: [], 'x-kept': params },
    })
    expect(got.map(({ method }) => method)).toEqual(['initialize', 'notifications/initialized', 'tools/call'])
    expect(got[0]?.params).toMatchObject({ capabilities: {}, clientInfo: { name: 'toolberth' } })
    expect(toolbox.seen.at(-1)?.headers).toMatchObject({
      'mcp-session-id': 's1',
      'mcp-protocol-version': '2025-06-18',
    })
  })

  it('initialises once for calls at the same time, with ids of its own', async () => {
    const { listener, got } = mcpPeer(answerParams)
    const { call } = await gateway.agentAt(toolbox, listener)
    const answers = await Promise.all([call(1), call(1), call('1')])
    expect(answers.map(({ id }) => id)).toEqual([1, 1, '1'])
    expect(got.filter(({ method }) => method === 'initialize')).toHaveLength(1)
    expect(new Set(got.filter(({ method }) => method === 'tools/call').map(({ id }) => id)).size).toBe(3)
  })

  it('relays errors of the server as they are', async () => {
    const error = { code: -32_042, message: 'No.', data: { why: 'so' } }
    const { listener } = mcpPeer(({ id }, response) => answerJson(response, { jsonrpc: '2.0', id, error }))
    const { call } = await gateway.agentAt(toolbox, listener)
    expect(await call(7)).toEqual({ jsonrpc: '2.0', id: 7, error })
  })

  it('makes a lost session anew, whether the server says 404 or 400, and runs the call once', async () => {
    for (const status of [404, 400]) {
      let sessions = 0
      const { listener, got } = mcpPeer((message, response) => {
        sessions = got.filter(({ method }) => method === 'initialize').length
        if (sessions === 1)
          response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":"session"}')
        else answerParams(message, response)
      })
      const { call } = await gateway.agentAt(toolbox, listener)
      expect((await call(3)).result).toBeDefined()
      expect(sessions).toBe(2)
    }
  })

  it('survives a restart of the real server without the agent noticing', async () => {
    const port = await freePort()
    let everything = await startEverythingServer(port)
    const { send } = await gateway.agentAt(toolbox, everything.url, {
      tools: [{ name: 'echo', inputSchema: { type: 'object' } }],
    })
    const echo = async () => (await send(1, { name: 's__echo', arguments: { message: 'hi' } })).text()
    expect(await echo()).toContain('Echo: hi')
    await everything.stop()
    expect(await echo()).toContain('UPSTREAM_UNAVAILABLE')
    everything = await startEverythingServer(port)
    expect(await echo()).toContain('Echo: hi')
    await everything.stop()
  })

  it('answers requests of the server as a client without capabilities, and drops what is not for the agent', async () => {
    const { listener, got } = mcpPeer(({ id }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const event = (message: object) =>
        response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
      event({ id: 'p', method: 'ping' })
      event({ id: 'e', method: 'elicitation/create', params: {} })
      event({ method: 'notifications/progress', params: { progressToken: 'someone-else', progress: 1 } })
      event({ method: 'notifications/message', params: { level: 'info', data: 'x' } })
      setTimeout(() => {
        event({ id, result: { content: [] } })
        response.end()
      }, 100)
    })
    const { send } = await gateway.agentAt(toolbox, listener)
    const text = await (await send(5, { _meta: { progressToken: 'mine' } })).text()
    expect(text).toBe('{"jsonrpc":"2.0","id":5,"result":{"content":[]}}')
    expect(got.find(({ id }) => (id as unknown) === 'p')).toMatchObject({ result: {} })
    expect(got.find(({ id }) => (id as unknown) === 'e')).toMatchObject({ error: { code: -32_601 } })
  })

  it('keeps nothing of a server that never ends a stream once its answer has come', async () => {
    const open = new Set<ServerResponse>()
    const { listener } = mcpPeer(({ id }, response) => {
      open.add(response)
      response.once('close', () => open.delete(response))
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`)
    })
    const { send } = await gateway.agentAt(toolbox, listener)
    for (let id = 1; id <= 3; id++) expect(await (await send(id)).text()).toContain(`"id":${id},"result"`)
    await expect.poll(() => open.size).toBe(0)
  })

  it('takes 64 calls at a time for one server, and refuses more in words', async () => {
    const held: (() => void)[] = []
    const { listener } = mcpPeer((message, response) => held.push(() => answerParams(message, response)))
    const { call } = await gateway.agentAt(toolbox, listener)
    const answers = Array.from({ length: 64 }, (_, id) => call(id))
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(64)
    expect((await call(64)).error).toMatchObject({ data: { code: 'TOO_MANY_CALLS', retryable: true } })
    for (const release of held.splice(0)) release()
    expect((await Promise.all(answers)).every(({ result }) => result !== undefined)).toBe(true)
    const again = call(65)
    await expect.poll(() => held.length).toBe(1)
    held[0]?.()
    expect((await again).result).toBeDefined()
  })
})
