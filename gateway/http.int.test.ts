import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { INITIALIZE, newToken, startTestGateway, type TestGateway, testAgent } from '#testing/gateway.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'

let redis: TestRedis
let gateway: TestGateway
let token: string
let agentId: string
let session: Record<string, string>

beforeAll(async () => {
  redis = await createTestRedis()
  gateway = await startTestGateway(redis.url)
  token = newToken()
  const rights = testAgent([])
  agentId = rights.agentId
  gateway.rights.set(token, rights)
  session = { 'mcp-session-id': await gateway.session(token) }
})
afterAll(async () => {
  await gateway.close(0)
  await redis.stop()
})

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }

async function refusal(
  response: Response,
): Promise<{ status: number; code: number; message: string; id: unknown }> {
  const body = (await response.json()) as { id: unknown; error: { code: number; message: string } }
  return { status: response.status, id: body.id, ...body.error }
}

describe('what is no proper request', () => {
  it.each([
    ['no JSON', '{"jsonrpc":', {}, 400, 'not JSON'],
    ['an empty body', '', {}, 400, 'not JSON'],
    ['a batch', [PING, PING], {}, 400, 'Batches'],
    ['no JSON-RPC', { hello: 1 }, {}, 400, 'not a JSON-RPC 2.0 message'],
    ['a null id', { ...PING, id: null }, {}, 400, 'not a JSON-RPC 2.0 message'],
    ['params that are a list', { ...PING, params: [1] }, {}, 400, 'not a JSON-RPC 2.0 message'],
    ['another content type', PING, { 'content-type': 'text/plain' }, 415, 'Content-Type'],
    ['a compressed body', PING, { 'content-encoding': 'gzip' }, 415, 'Content-Encoding'],
    ['an Accept without event streams', PING, { accept: 'application/json' }, 406, 'Accept'],
    ['an Accept without JSON', PING, { accept: 'text/event-stream' }, 406, 'Accept'],
    ['an unsupported version', PING, { 'mcp-protocol-version': '2024-11-05' }, 400, '2025-11-25'],
    ['a stateless request without its _meta', PING, { 'mcp-protocol-version': '2026-07-28' }, 400, '_meta'],
  ])('%s is refused in words', async (_name, body, headers, status, words) => {
    const said = await refusal(await gateway.post(token, body, { ...session, ...headers }))
    expect(said.status).toBe(status)
    expect(said.message).toContain(words)
  })

  it('refuses more than 4 MiB and stays usable', async () => {
    const body = JSON.stringify({ ...PING, params: { text: 'x'.repeat(4 * 1024 * 1024) } })
    const said = await refusal(await gateway.post(token, body, session))
    expect(said).toMatchObject({ status: 413, code: -32_600 })
    expect(said.message).toContain('4 MiB')
    expect((await gateway.post(token, PING, session)).status).toBe(200)
  })

  it('refuses more than 4 MiB of a body without a length', async () => {
    const stream = new ReadableStream({
      start(controller) {
        for (let sent = 0; sent < 5; sent++) controller.enqueue(new Uint8Array(1024 * 1024).fill(32))
        controller.close()
      },
    })
    const response = await fetch(`${gateway.origin}/t/${token}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: '*/*', ...session },
      body: stream,
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(413)
  })

  it('survives JSON that is nested deeply', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":${deep}}}}`
    const response = await gateway.post(token, call, session)
    expect(response.status).toBe(200)
    expect((await gateway.post(token, PING, session)).status).toBe(200)
  })

  it('answers wrong calls with JSON-RPC errors under their id', async () => {
    const say = async (method: string, params?: unknown) =>
      refusal(await gateway.post(token, { jsonrpc: '2.0', id: 'q', method, params }, session))
    expect(await say('tasks/list')).toMatchObject({ status: 200, code: -32_601, id: 'q' })
    expect(await say('tools/call', {})).toMatchObject({ code: -32_602 })
    expect(await say('tools/call', { name: 'nothing' })).toMatchObject({ code: -32_602, id: 'q' })
    expect((await say('tools/call', { name: 'a', arguments: 'b' })).message).toContain('arguments')
    expect((await say('tools/call', { name: 'a', _meta: { progressToken: {} } })).message).toContain(
      'progressToken',
    )
    expect((await say('tools/list', { cursor: 'bogus' })).message).toContain('cursor')
    expect((await say('initialize', { protocolVersion: 1 })).message).toContain('protocolVersion')
  })
})

describe('sessions', () => {
  it('negotiates the version', async () => {
    for (const [proposed, answered] of [
      ['2025-03-26', '2025-03-26'],
      ['2025-11-25', '2025-11-25'],
      ['2024-11-05', '2025-11-25'],
      ['2099-01-01', '2025-11-25'],
    ]) {
      const params = { ...INITIALIZE.params, protocolVersion: proposed }
      const response = await gateway.post(token, { ...INITIALIZE, params })
      expect(response.headers.get('mcp-session-id')).toMatch(/^[\w-]{32}$/)
      const { result } = (await response.json()) as { result: Record<string, unknown> }
      expect(result).toMatchObject({ protocolVersion: answered, serverInfo: { name: 'toolberth' } })
      expect(result.capabilities).toEqual({ tools: { listChanged: true } })
    }
  })

  it('asks for one, knows its own alone, and takes notifications', async () => {
    expect(await refusal(await gateway.post(token, PING))).toMatchObject({ status: 400, id: 1 })
    const bogus = { 'mcp-session-id': 'x'.repeat(32) }
    expect(await refusal(await gateway.post(token, PING, bogus))).toMatchObject({ status: 404, id: 1 })
    const other = newToken()
    gateway.rights.set(other, testAgent([]))
    expect((await gateway.post(other, PING, session)).status).toBe(404)
    const done = await gateway.post(token, { jsonrpc: '2.0', method: 'notifications/initialized' }, session)
    expect([done.status, await done.text()]).toEqual([202, ''])
    const answer = await gateway.post(token, { jsonrpc: '2.0', id: 9, result: {} }, session)
    expect(answer.status).toBe(202)
  })

  it('keeps the newest stream of a session and ends it with the session', async () => {
    const id = { 'mcp-session-id': await gateway.session(token) }
    const url = `${gateway.origin}/t/${token}/mcp`
    const open = () => fetch(url, { headers: { accept: 'text/event-stream', ...id } })
    const first = await open()
    expect(first.headers.get('content-type')).toBe('text/event-stream')
    expect(first.headers.get('x-accel-buffering')).toBe('no')
    const second = await open()
    expect(await first.text()).toBe('')
    expect((await fetch(url, { method: 'DELETE', headers: id })).status).toBe(204)
    expect(await second.text()).toBe('')
    expect((await fetch(url, { method: 'DELETE', headers: id })).status).toBe(404)
    expect((await fetch(url, { headers: { accept: 'application/json', ...id } })).status).toBe(406)
    const modern = { 'mcp-protocol-version': '2026-07-28', accept: 'text/event-stream', ...id }
    expect((await fetch(url, { headers: modern })).status).toBe(405)
  })

  it('says 503 while Redis is away, and goes on with the session when it is back', async () => {
    await redis.stop('SIGKILL')
    await expect
      .poll(async () => refusal(await gateway.post(token, PING, session)))
      .toMatchObject({ status: 503, id: 1 })
    expect((await gateway.post(token, INITIALIZE)).status).toBe(503)
    await redis.start()
    await expect
      .poll(async () => (await gateway.post(token, PING, session)).status, { timeout: 10_000 })
      .toBe(200)
  })
})

describe('who is let in', () => {
  it('answers 401 without a token of the agent', async () => {
    const url = `${gateway.origin}/agents/${agentId}/mcp`
    const post = (authorization?: string, to = url) =>
      fetch(to, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: '*/*',
          ...session,
          ...(authorization === undefined ? {} : { authorization }),
        },
        body: JSON.stringify(PING),
      })
    expect((await post(`Bearer ${token}`)).status).toBe(200)
    const missing = await post()
    expect(missing.status).toBe(401)
    expect(missing.headers.get('www-authenticate')).toBe('Bearer realm="Toolberth"')
    for (const wrong of [`Bearer ${newToken()}`, 'Bearer nonsense', `Basic ${token}`, `bearer ${token}x`]) {
      const response = await post(wrong)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toContain('invalid_token')
      expect((await refusal(response)).message).toContain('page of the agent')
    }
    const other = newToken()
    gateway.rights.set(other, testAgent([]))
    expect((await post(`Bearer ${other}`)).status).toBe(401)
    expect((await post(undefined, `${gateway.origin}/t/${newToken()}/mcp`)).status).toBe(401)
    expect((await post(undefined, `${gateway.origin}/t/nonsense/mcp`)).status).toBe(401)
    expect((await post(`Bearer ${token}`, `${gateway.origin}/agents/1/mcp`)).status).toBe(404)
    expect((await post(`Bearer ${token}`, `${gateway.origin}/`)).status).toBe(404)
  })

  it('refuses foreign origins and hosts, and lets pages of the installation in', async () => {
    const from = (headers: Record<string, string>, method = 'POST') =>
      new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]> }>(
        (resolve, reject) => {
          const sent = httpRequest(
            `${gateway.origin}/t/${token}/mcp`,
            {
              method,
              headers: { 'content-type': 'application/json', accept: '*/*', ...session, ...headers },
            },
            (response) => {
              response.resume()
              resolve({ status: response.statusCode, headers: response.headers })
            },
          )
          sent.once('error', reject)
          sent.end(method === 'POST' ? JSON.stringify(PING) : undefined)
        },
      )
    expect((await from({ origin: 'https://evil.example' })).status).toBe(403)
    expect((await from({ origin: 'null' })).status).toBe(403)
    expect((await from({ host: 'evil.example' })).status).toBe(403)
    expect((await from({ host: 'localhost:1234' })).status).toBe(200)
    const ours = await from({ origin: 'http://localhost:3000' })
    expect(ours.status).toBe(200)
    expect(ours.headers['access-control-allow-origin']).toBe('http://localhost:3000')
    const wanted = { 'access-control-request-headers': 'authorization, mcp-param-region, x-other' }
    const preflight = await from({ origin: 'http://localhost:3000', ...wanted }, 'OPTIONS')
    expect(preflight.status).toBe(204)
    const allowed = String(preflight.headers['access-control-allow-headers']).split(', ')
    expect(allowed).toEqual(expect.arrayContaining(['mcp-session-id', 'mcp-param-region']))
    expect(allowed).not.toContain('x-other')
    expect((await from({}, 'PUT')).status).toBe(405)
  })

  it('says that it lives', async () => {
    const response = await fetch(`${gateway.origin}/healthz`)
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
  })
})
