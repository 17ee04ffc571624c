import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createIdentity, type Identity } from '#protocol/identity.ts'
import { freePort } from '#testing/everything-server.ts'
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
  gateway = await startTestGateway(redis.url, { identity, callTimeoutMs: 700 })
})
afterAll(async () => {
  await gateway.close(0)
  await Promise.all([toolbox.stop(), redis.stop()])
})
beforeEach(() => {
  toolbox.seen.length = 0
})

describe('what goes wrong on the way is said in words', () => {
  it.each([
    ['no instance', { instanceId: null }, 'SERVER_NOT_RUNNING'],
    ['no toolbox', { toolbox: null }, 'SERVER_NOT_RUNNING'],
    ['a stopped server', { serverState: 'stopped' as const }, 'SERVER_NOT_RUNNING'],
  ])('%s', async (_name, change, code) => {
    const { call } = await gateway.agentAt(toolbox, mcpPeer(answerParams).listener, change)
    const { error } = await call(1)
    expect(error).toMatchObject({ data: { code, retryable: true } })
    expect(error?.message).toContain('s__tool: The server is not running.')
    expect(toolbox.seen).toEqual([])
  })

  it('an instance that the toolbox does not know, or does not run', async () => {
    const unknown = await gateway.agentAt(toolbox, mcpPeer(answerParams).listener)
    toolbox.instances.delete(unknown.connection.instanceId ?? '')
    expect((await unknown.call()).error?.data.code).toBe('SERVER_NOT_RUNNING')
    const stopped = await gateway.agentAt(toolbox, (_request, response) => {
      response.writeHead(409).end(JSON.stringify({ error: { code: 'NOT_RUNNING', message: 'x' } }))
    })
    expect((await stopped.call()).error?.data.code).toBe('SERVER_NOT_RUNNING')
  })

  it('a toolbox that is not there, or is another one', async () => {
    const port = await freePort()
    const { certificate } = toolbox
    const at = (url: string, pem: string) => ({
      toolbox: { id: randomUUID(), url, certificate: pem, state: 'active' as const },
    })
    const gone = await gateway.agentAt(
      toolbox,
      mcpPeer(answerParams).listener,
      at(`https://127.0.0.1:${port}`, certificate),
    )
    const { error } = await gone.call()
    expect(error).toMatchObject({ data: { code: 'TOOLBOX_UNREACHABLE', retryable: true } })
    expect(error?.message).toContain('does not answer')
    const stranger = await createIdentity('stranger')
    const other = await gateway.agentAt(
      toolbox,
      mcpPeer(answerParams).listener,
      at(toolbox.url, stranger.certificate),
    )
    expect((await other.call()).error?.data.code).toBe('TLS_FAILED')
    expect(toolbox.seen).toEqual([])
  })

  it.each([
    [
      'an error page',
      (response: ServerResponse) => void response.writeHead(500).end('oops'),
      'UPSTREAM_UNAVAILABLE',
    ],
    ['a page', (response: ServerResponse) => void response.end('<html>'), 'PROTOCOL_ERROR'],
    ['a broken connection', (response: ServerResponse) => void response.destroy(), 'UPSTREAM_UNAVAILABLE'],
    [
      'another id',
      (response: ServerResponse) => answerJson(response, { jsonrpc: '2.0', id: 999, result: {} }),
      'UPSTREAM_UNAVAILABLE',
    ],
  ])('%s in place of an answer', async (_name, handle, code) => {
    const { call } = await gateway.agentAt(
      toolbox,
      mcpPeer((_message, response) => handle(response)).listener,
    )
    expect((await call()).error?.data.code).toBe(code)
  })

  it('a stream that ends without the answer, as the last event of what came before', async () => {
    const { listener } = mcpPeer(({ params }, response) => {
      const progressToken = (params?._meta as { progressToken: unknown } | undefined)?.progressToken
      const told = { method: 'notifications/progress', params: { progressToken, progress: 1 } }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', ...told })}\n\n`)
    })
    const { send } = await gateway.agentAt(toolbox, listener)
    const response = await send(4, { _meta: { progressToken: 'mine' } })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(await response.text()).toContain('UPSTREAM_UNAVAILABLE')
  })

  it('silence, after the time-out, and the server is told', async () => {
    const { listener, got } = mcpPeer(() => {})
    const { call } = await gateway.agentAt(toolbox, listener)
    const { error } = await call()
    expect(error).toMatchObject({ code: -32_001, data: { code: 'CALL_TIMED_OUT', retryable: true } })
    await expect.poll(() => got.at(-1)?.method).toBe('notifications/cancelled')
    expect(got.at(-1)?.params?.requestId).toBe(1)
  })

  it('but not while there is progress', async () => {
    const { listener } = mcpPeer(({ id, params }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const progressToken = (params?._meta as { progressToken: unknown } | undefined)?.progressToken
      let progress = 0
      const timer = setInterval(() => {
        const message =
          ++progress < 4
            ? { method: 'notifications/progress', params: { progressToken, progress } }
            : { id, result: { content: [] } }
        response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
        if (progress === 4) response.end()
      }, 300)
      response.once('close', () => clearInterval(timer))
    })
    const { send } = await gateway.agentAt(toolbox, listener)
    const text = await (await send(1, { _meta: { progressToken: 0 } })).text()
    expect(text.match(/"progressToken":0/g)).toHaveLength(3)
    expect(text).toContain('"result"')
  })

  it('an agent that goes away ends its call at the server', async () => {
    const closed = Promise.withResolvers<void>()
    const { listener, got } = mcpPeer((_message, response) => response.once('close', () => closed.resolve()))
    const { send } = await gateway.agentAt(toolbox, listener)
    const controller = new AbortController()
    const sent = send(1, {}, { signal: controller.signal }).catch(() => {})
    await expect.poll(() => got.at(-1)?.method).toBe('tools/call')
    controller.abort()
    await Promise.all([sent, closed.promise])
    await expect.poll(() => got.at(-1)?.method).toBe('notifications/cancelled')
  })

  it('arguments that are nested too deeply', async () => {
    const { token, session } = await gateway.agentAt(toolbox, mcpPeer(answerParams).listener)
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"s__tool","arguments":{"a":${deep}}}}`
    const response = await gateway.post(token, body, session)
    expect(await response.text()).toContain('nested too deeply')
  })
})
