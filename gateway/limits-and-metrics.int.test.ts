import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '#contracts/connection-settings.ts'
import { createIdentity } from '#protocol/identity.ts'
import type { CallRow } from '#server/calls/log.ts'
import { startTestGateway, type TestGateway } from '#testing/gateway.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let toolbox: ToolboxStandIn
let gateway: TestGateway
const logged: CallRow[] = []

beforeAll(async () => {
  const identity = await createIdentity('gateway')
  ;[redis, toolbox] = await Promise.all([createTestRedis(), startToolboxStandIn(identity.certificate)])
  gateway = await startTestGateway(redis.url, {
    identity,
    callsPerMinute: 4,
    logCalls: async (calls) => void logged.push(...calls),
  })
})
afterAll(async () => {
  await gateway.close(0)
  await Promise.all([toolbox.stop(), redis.stop()])
})

/** Answers every request; `fail` as its tool's own error, `wrong` as an error of JSON-RPC. */
const server: RequestListener = (request, response) => void answer(request, response)

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const chunk of request) text += chunk
  const { id, method, params } = JSON.parse(text)
  response.setHeader('content-type', 'application/json')
  if (method === 'initialize') {
    const result = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      serverInfo: { name: 's', version: '1' },
    }
    return void response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }
  if (id === undefined) return void response.writeHead(202).end()
  const how = params.arguments?.how
  if (how === 'wrong') {
    return void response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32602, message: 'no' } }))
  }
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [], isError: how === 'fail' } }))
}

it('answers 429 with retry-after and words once an agent has had its calls, and notes how each call ended', async () => {
  const agent = await gateway.agentAt(toolbox, server)
  for (const how of ['well', 'fail', 'wrong']) await agent.call(1, { arguments: { how } })
  await agent.call(4)
  const refused = await agent.send('late')
  expect(refused.status).toBe(429)
  const seconds = Number(refused.headers.get('retry-after'))
  expect(seconds).toBeGreaterThan(0)
  expect(await refused.json()).toMatchObject({
    id: 'late',
    error: {
      message: expect.stringContaining('This agent may make 4 calls a minute'),
      data: { code: 'RATE_LIMITED', retryable: true, retryAfter: seconds },
    },
  })
  const mine = () => logged.filter(({ connectionId }) => connectionId === agent.connection.id)
  await expect.poll(() => mine().length, { timeout: 5000 }).toBe(4)
  expect(mine().map(({ outcome, code }) => [outcome, code])).toEqual([
    ['ok', null],
    ['tool_error', null],
    ['tool_error', '-32602'],
    ['ok', null],
  ])
  expect(mine()[0]).toMatchObject({
    serverId: agent.connection.serverId,
    tool: 'tool',
    requestBytes: expect.any(Number),
    arguments: null,
  })
  expect(mine().every(({ requestBytes, responseBytes }) => requestBytes > 50 && responseBytes > 30)).toBe(
    true,
  )
})

it('tells its figures to callers on this machine, and to nobody whom a proxy stands for', async () => {
  const read = (headers: Record<string, string> = {}) => fetch(`${gateway.origin}/metrics`, { headers })
  const text = await (await read()).text()
  expect(text).toMatch(/toolberth_gateway_calls_total\{outcome="tool_error"\} \d/)
  expect(text).toMatch(/toolberth_gateway_limited_total\{limit="agent"\} 1/)
  expect(text).toMatch(/toolberth_gateway_upstream_sessions 1/)
  expect(text).toContain('toolberth_gateway_breakers{state="closed"}')
  const passedOn = await read({ 'x-forwarded-for': '203.0.113.9' })
  expect(passedOn.status).toBe(404)
  expect(await passedOn.text()).not.toContain('toolberth_gateway')
  expect((await fetch(`${gateway.origin}/metrics`, { method: 'POST' })).status).toBe(404)
})

it('wants the token where there is one', async () => {
  const guarded = await startTestGateway(redis.url, { metricsToken: 'a-token-for-metrics' })
  const read = (headers: Record<string, string>) => fetch(`${guarded.origin}/metrics`, { headers })
  try {
    expect((await read({})).status).toBe(404)
    expect((await read({ authorization: 'Bearer another' })).status).toBe(404)
    const right = { authorization: 'Bearer a-token-for-metrics', 'x-forwarded-for': '203.0.113.9' }
    expect((await read(right)).status).toBe(200)
  } finally {
    await guarded.close(0)
  }
})

it('bounds a connection by its own settings, and logs arguments only where it asks for them, redacted and cut', async () => {
  const settings = { ...DEFAULT_SETTINGS, callsPerMinute: 2, maxConcurrent: 1, logArguments: true }
  const agent = await gateway.agentAt(toolbox, slowly, { settings })
  const [first, second] = await Promise.all([
    agent.call(1, { arguments: { apiKey: 'very-secret', text: 'x'.repeat(5000) } }),
    agent.call(2, { arguments: { note: 'short', password: 'very-secret' } }),
  ])
  const refused = [first, second].filter(({ error }) => error?.data.code === 'TOO_MANY_CALLS')
  expect(refused).toHaveLength(1)
  const third = await agent.send(3)
  expect(third.status).toBe(429)
  expect(((await third.json()) as { error: { message: string } }).error.message).toContain(
    'This connection may make 2 calls a minute',
  )
  const mine = () => logged.filter(({ connectionId }) => connectionId === agent.connection.id)
  await expect.poll(() => mine().length, { timeout: 5000 }).toBe(1)
  expect(JSON.stringify(mine()[0]?.arguments)).toContain('[redacted]')
  expect(JSON.stringify(mine())).not.toContain('very-secret')
  expect(JSON.stringify(mine()).length).toBeLessThan(6000)
})

/** Two that come at the same time are both there before one is answered. */
const slowly: RequestListener = (request, response) =>
  void setTimeout(() => void answer(request, response), 100)
