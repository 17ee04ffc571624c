import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LogLines } from '#contracts/dtma.ts'
import type { InstanceSource } from '#contracts/instances.ts'
import { type AgentProcess, createAgentProcess, specOf } from '#testing/agent-process.ts'
import { type ControlPlaneStandIn, startControlPlaneStandIn } from '#testing/control-plane-stand-in.ts'
import { answerParams, mcpPeer } from '#testing/mcp-peer.ts'
import { startHttpPeer } from '#testing/probe-peers.ts'

const TOKEN = 'remote-token-4711'
const HEADERS = { Authorization: `Bearer ${TOKEN}`, 'X-Api-Key': 'remote-key-0815' }

let controlPlane: ControlPlaneStandIn
let agent: AgentProcess
let strictControlPlane: ControlPlaneStandIn
let strict: AgentProcess
let peer: Awaited<ReturnType<typeof startHttpPeer>>
let closed: string
let seen: IncomingHttpHeaders[] = []
/** Says something else than the MCP server, for as long as it is set. */
let instead: RequestListener | null = null

beforeAll(async () => {
  const mcp = mcpPeer(answerParams)
  const gone = await startHttpPeer(() => {})
  closed = `${gone.url}/mcp`
  await gone.stop()
  peer = await startHttpPeer((request, response) => {
    seen.push({ ...request.headers, ':path': request.url ?? '' })
    const authorized = request.headers.authorization === HEADERS.Authorization
    if (instead) return instead(request, response)
    if (!authorized) return void response.writeHead(401, { 'www-authenticate': 'Bearer realm="x"' }).end()
    if (request.method === 'GET') return void response.writeHead(405).end()
    mcp.listener(request, response)
  })
  controlPlane = await startControlPlaneStandIn()
  agent = await createAgentProcess(controlPlane, {
    DTMA_ALLOW_PRIVATE_REMOTES: '127.0.0.0/8',
    DTMA_REMOTE_CHECK_SECONDS: '1',
  })
  await agent.start()
})

afterAll(async () => {
  await strict?.dispose()
  await strictControlPlane?.stop()
  await agent?.dispose()
  await controlPlane?.stop()
  await peer?.stop()
})

const remote = (source: Partial<Extract<InstanceSource, { type: 'remote' }>>) =>
  specOf({
    source: { type: 'remote', url: `${peer.url}/mcp?key=1`, headers: HEADERS, ...source },
    transport: 'streamable-http',
  })

async function put(source: Parameters<typeof remote>[0], on = agent): Promise<string> {
  const id = crypto.randomUUID()
  expect(await on.put(id, { desired: 'running', fence: 1, spec: remote(source) })).toMatchObject({
    status: 200,
  })
  return id
}

describe('a remote server', () => {
  it('is called with its headers, with nothing of the caller but MCP, and leaves nothing when it is removed', async () => {
    const id = await put({})
    expect(await agent.until(id, ['running', 'failed'])).toMatchObject({
      state: 'running',
      resolvedVersion: '1',
      memoryBytes: null,
    })
    const client = await agent.connect(id)
    seen = []
    const result = await client.callTool({ name: 'any', arguments: { a: 1 } })
    expect(result['x-kept']).toMatchObject({ name: 'any', arguments: { a: 1 } })
    const stranger = { authorization: 'Bearer agent', cookie: 'a=b', 'x-other': '1' }
    await agent.call('POST', `/v1/instances/${id}/mcp?key=2`, {
      headers: { ...stranger, 'content-type': 'application/json' },
      body: { jsonrpc: '2.0', method: 'notifications/x' },
    })
    expect(seen).toContainEqual(
      expect.objectContaining({
        ':path': '/mcp?key=1',
        authorization: HEADERS.Authorization,
        'x-api-key': 'remote-key-0815',
      }),
    )
    expect(seen.map((headers) => [headers.cookie, headers['x-other'], headers[':path']])).toEqual(
      seen.map(() => [undefined, undefined, '/mcp?key=1']),
    )
    await agent.put(id, { desired: 'absent', fence: 2 })
    expect(await agent.until(id, ['absent'])).toMatchObject({ state: 'absent' })
    await expect(client.callTool({ name: 'any' })).rejects.toThrow(/not running/)
  })

  it('that goes away shows so, comes back by itself, and its calls say why meanwhile', async () => {
    const id = await put({})
    await agent.until(id, ['running'])
    instead = (request) => request.socket.destroy()
    expect(await agent.call('POST', `/v1/instances/${id}/mcp`, { body: {} })).toMatchObject({
      status: 502,
      body: { error: { code: 'UPSTREAM_FAILED' } },
    })
    expect(await agent.until(id, ['backoff'])).toMatchObject({ error: { code: 'UPSTREAM_UNAVAILABLE' } })
    instead = null
    expect(await agent.until(id, ['running'])).toMatchObject({ error: null, restarts: 0 })
    await agent.end('SIGKILL')
    await agent.start()
    await agent.until(id, ['running'])
  })

  it('whose credentials are refused says so, and shows none of them', async () => {
    instead = (_request, response) => response.writeHead(401).end(`Wrong token ${TOKEN} remote-key-0815`)
    const id = await put({})
    const status = await agent.until(id, ['failed'])
    expect(status.error).toMatchObject({ code: 'AUTH_REQUIRED' })
    const { lines } = LogLines.parse((await agent.call('GET', `/v1/instances/${id}/logs`)).body)
    const text = JSON.stringify([status, lines, agent.output()])
    expect(lines.length).toBeGreaterThan(0)
    expect([text.includes(TOKEN), text.includes('remote-key-0815')]).toEqual([false, false])
    instead = null
  })

  it('that asks its users for a header is there when it refuses whoever has none', async () => {
    const id = crypto.randomUUID()
    const spec = { ...remote({ headers: {} }), userHeaders: ['Authorization'] }
    await agent.put(id, { desired: 'running', fence: 1, spec })
    expect(await agent.until(id, ['running', 'failed', 'backoff'])).toMatchObject({
      state: 'running',
      error: null,
    })
  })

  it('that redirects is not followed, so its headers stay with its origin', async () => {
    let strayed = 0
    const other = await startHttpPeer((_request, response) => {
      strayed++
      response.end()
    })
    instead = (_request, response) => void response.writeHead(307, { location: `${other.url}/mcp` }).end()
    const id = await put({})
    expect(await agent.until(id, ['failed'])).toMatchObject({
      error: { code: 'REMOTE_REDIRECTS', detail: expect.stringContaining(other.url) },
    })
    instead = null
    const running = await put({})
    await agent.until(running, ['running'])
    instead = (_request, response) => void response.writeHead(302, { location: other.url }).end()
    expect(await agent.call('POST', `/v1/instances/${running}/mcp`, { body: {} })).toMatchObject({
      status: 502,
    })
    instead = null
    await other.stop()
    expect(strayed).toBe(0)
  })

  it.each([
    ['nothing listens', () => closed, 'REMOTE_UNREACHABLE'],
    ['the name is unknown', () => 'http://no-such-name.invalid/mcp', 'DNS_FAILED'],
    ['it speaks no TLS', () => `${peer.url.replace('http', 'https')}/mcp`, 'REMOTE_TLS_FAILED'],
  ])('of which %s is named', async (_why, url, code) => {
    const id = await put({ url: url() })
    expect(await agent.until(id, ['failed'])).toMatchObject({ error: { code } })
  })
})

describe('F40: a remote server at an address that is not public', () => {
  it('is not called: by address, by another notation of it, by name', async () => {
    let calls = 0
    const inside = createServer((_request, response) => {
      calls++
      response.end()
    })
    await new Promise<void>((resolve) => inside.listen(0, resolve))
    const { port } = inside.address() as { port: number }
    strictControlPlane = await startControlPlaneStandIn()
    strict = await createAgentProcess(strictControlPlane)
    await strict.start()
    const hosts = ['127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost', '0.0.0.0']
    for (const host of [...hosts, '169.254.169.254']) {
      const id = await put({ url: `http://${host}:${port}/mcp` }, strict)
      const { error } = await strict.until(id, ['failed'])
      expect({ host, error }).toMatchObject({ host, error: { code: 'REMOTE_ADDRESS_REFUSED' } })
    }
    expect(calls).toBe(0)
    await new Promise((resolve) => inside.close(resolve))
  })
})
