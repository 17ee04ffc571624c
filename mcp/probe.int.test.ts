import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { ProbeResult } from '#contracts/probe.ts'
import { freePort, startEverythingServer } from '#testing/everything-server.ts'
import { type Rpc, type RpcAnswer, startHttpPeer, startRpcPeer, startTcpPeer } from '#testing/probe-peers.ts'
import { type ProbeOptions, probeMcp } from './probe.ts'
import type { StageReport } from './probe-stages.ts'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** Runs until the end of the test. */
async function started<P extends { stop(): Promise<void> }>(running: Promise<P>): Promise<P> {
  const peer = await running
  open.push(() => peer.stop())
  return peer
}

const peer = async (handler: RequestListener) => `${(await started(startHttpPeer(handler))).url}/mcp`
const rpcPeer = (answer: (message: Rpc) => RpcAnswer | null) => started(startRpcPeer(answer))

function initializeResult(message: Rpc, extra: Record<string, unknown> = {}): RpcAnswer {
  const result = {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'small', version: '1.0.0' },
    ...extra,
  }
  return { body: { jsonrpc: '2.0', id: message.id, result }, headers: { 'mcp-session-id': 's1' } }
}

function unknownMethod({ id }: Rpc): RpcAnswer {
  return { body: { jsonrpc: '2.0', id, error: { code: -32_601, message: 'Method not found' } } }
}

/** Passes the handshake; `tools/list` answers as told. */
function afterHandshake(tools: (message: Rpc) => RpcAnswer | null): (message: Rpc) => RpcAnswer | null {
  return (message) => {
    if (message.method === 'initialize') return initializeResult(message)
    if (message.method === 'notifications/initialized') return { status: 202, body: '' }
    return message.method === 'server/discover' ? unknownMethod(message) : tools(message)
  }
}

async function failureOf(url: string, options: Partial<ProbeOptions> = {}) {
  const result = ProbeResult.parse(await probeMcp({ url, timeoutMs: 1000, ...options }))
  if (result.ok) throw new Error('The probe passed.')
  return result.failure
}

describe('probeMcp against peers that fail', () => {
  it('says refused when nothing listens', async () => {
    expect(await failureOf(`http://127.0.0.1:${await freePort()}/mcp`)).toMatchObject({
      code: 'CONNECTION_REFUSED',
      stage: 'connect',
      detail: 'ECONNREFUSED',
      definitive: false,
    })
  })

  it('says the name is unknown', async () => {
    const failure = await failureOf('http://nothing.invalid/mcp', { timeoutMs: 10_000 })
    expect(failure).toMatchObject({ code: 'DNS_FAILED', stage: 'resolve', definitive: false })
  })

  it('says TLS failed when the peer speaks none', async () => {
    const url = await peer((_request, response) => response.end())
    const failure = await failureOf(url.replace('http:', 'https:'))
    expect(failure).toMatchObject({ code: 'TLS_FAILED', stage: 'tls', definitive: true })
  })

  it('times out in the stage that hangs', async () => {
    const hanging = await peer(() => {})
    expect(await failureOf(hanging, { timeoutMs: 200 })).toMatchObject({
      code: 'PROBE_TIMEOUT',
      stage: 'protocol',
      definitive: false,
    })
    const { url, seen } = await rpcPeer(afterHandshake(() => null))
    expect(await failureOf(url, { timeoutMs: 1_500 })).toMatchObject({
      code: 'PROBE_TIMEOUT',
      stage: 'tools',
    })
    expect(seen).toContain('DELETE')
  })

  it('times out when a socket is accepted and nothing is ever said', async () => {
    const { port } = await started(startTcpPeer(() => {}))
    expect(await failureOf(`http://127.0.0.1:${port}/mcp`, { timeoutMs: 200 })).toMatchObject({
      code: 'PROBE_TIMEOUT',
    })
  })

  it('says unavailable when the peer closes at once', async () => {
    const { port } = await started(startTcpPeer((socket) => socket.destroy()))
    expect(await failureOf(`http://127.0.0.1:${port}/mcp`)).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      definitive: false,
    })
  })

  it.each([
    [401, 'AUTH_REQUIRED', true],
    [403, 'SERVER_FORBIDS', true],
    [404, 'ENDPOINT_NOT_FOUND', true],
    [405, 'NOT_AN_MCP_SERVER', true],
    [302, 'ENDPOINT_NOT_FOUND', true],
    [429, 'UPSTREAM_UNAVAILABLE', false],
    [500, 'UPSTREAM_UNAVAILABLE', false],
    [503, 'UPSTREAM_UNAVAILABLE', false],
  ])('HTTP %i is %s', async (status, code, definitive) => {
    const url = await peer((_request, response) => {
      response.writeHead(status, { 'www-authenticate': 'Bearer realm="x"', location: 'http://127.0.0.1:9/' })
      response.end('no')
    })
    const failure = await failureOf(url)
    expect(failure).toMatchObject({ code, definitive, httpStatus: status, stage: 'protocol' })
    const details: Record<number, string> = {
      401: 'Bearer realm="x"',
      403: 'Bearer realm="x"',
      302: 'http://127.0.0.1:9/',
    }
    expect(failure.detail).toBe(status === 404 ? undefined : (details[status] ?? 'no'))
  })

  it.each([
    ['a page', 200, 'text/html', '<html>hi</html>'],
    ['JSON that is no JSON-RPC', 200, 'application/json', '{"hello":"world"}'],
    ['broken JSON', 200, 'application/json', '{'],
    ['202 to a request', 202, 'application/json', ''],
    ['a page with 400', 400, 'text/html', '<html>bad</html>'],
  ])('says no MCP for %s', async (_name, status, type, body) => {
    const url = await peer((_request, response) =>
      response.writeHead(status, { 'content-type': type }).end(body),
    )
    expect(await failureOf(url)).toMatchObject({ code: 'NOT_AN_MCP_SERVER', definitive: true })
  })

  it('does not wait when a stream ends without the answer', async () => {
    const url = await peer((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': bye\n\n'),
    )
    expect(await failureOf(url, { timeoutMs: 20_000 })).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  })

  it('knows an unsupported version from the result, the error and the status', async () => {
    const older = await rpcPeer((message) => initializeResult(message, { protocolVersion: '1999-01-01' }))
    expect(await failureOf(older.url)).toMatchObject({
      code: 'PROTOCOL_VERSION_UNSUPPORTED',
      definitive: true,
    })
    const error = {
      code: -32_602,
      message: 'Unsupported protocol version',
      data: { supported: ['2030-01-01'] },
    }
    for (const status of [200, 400]) {
      const { url } = await rpcPeer(({ id }) => ({ status, body: { jsonrpc: '2.0', id, error } }))
      expect(await failureOf(url)).toMatchObject({ code: 'PROTOCOL_VERSION_UNSUPPORTED' })
    }
  })

  it('reads the refusal of a toolbox and of its bridge', async () => {
    const stopped = await rpcPeer(() => ({
      status: 409,
      body: { error: { code: 'NOT_RUNNING', message: 'Stopped.' } },
    }))
    expect(await failureOf(stopped.url)).toMatchObject({
      code: 'SERVER_EXITED',
      detail: 'NOT_RUNNING: Stopped.',
    })
    const exited = await rpcPeer(({ id }) => ({
      body: { jsonrpc: '2.0', id, error: { code: -32_000, message: 'Connection closed' } },
    }))
    expect(await failureOf(exited.url)).toMatchObject({ code: 'SERVER_EXITED' })
  })

  it('says what is wrong after the handshake', async () => {
    const denied = await rpcPeer(afterHandshake(() => ({ status: 401, body: '' })))
    expect(await failureOf(denied.url)).toMatchObject({ code: 'AUTH_REQUIRED', stage: 'tools' })
    const lost = await rpcPeer(afterHandshake(() => ({ status: 404, body: '' })))
    expect(await failureOf(lost.url)).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', stage: 'tools' })
    const shapeless = await rpcPeer(
      afterHandshake(({ id }) => ({ body: { jsonrpc: '2.0', id, result: { tools: 'many' } } })),
    )
    expect(await failureOf(shapeless.url)).toMatchObject({
      code: 'PROTOCOL_ERROR',
      stage: 'tools',
      definitive: true,
    })
    const endless = await rpcPeer(
      afterHandshake(({ id }) => ({
        body: { jsonrpc: '2.0', id, result: { tools: [], nextCursor: 'again' } },
      })),
    )
    expect(await failureOf(endless.url)).toMatchObject({ code: 'PROTOCOL_ERROR', stage: 'tools' })
    expect(endless.seen.at(-1)).toBe('DELETE')
  })

  it('stops reading at 16 MiB', async () => {
    const url = await peer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(Buffer.alloc(17 * 1024 * 1024, 32))
    })
    expect(await failureOf(url, { timeoutMs: 20_000 })).toMatchObject({ code: 'PROTOCOL_ERROR' })
  })

  it('throws the reason of an abort', async () => {
    const url = await peer(() => {})
    const controller = new AbortController()
    const probe = probeMcp({ url, timeoutMs: 20_000, signal: controller.signal })
    const reason = new Error('Not needed any more.')
    setTimeout(() => controller.abort(reason), 50)
    await expect(probe).rejects.toBe(reason)
  })
})

describe('probeMcp against servers that work', () => {
  it('reads a real server, tools and all', async () => {
    const server = await started(startEverythingServer())
    const result = ProbeResult.parse(await probeMcp({ url: server.url, timeoutMs: 10_000 }))
    if (!result.ok) throw new Error(result.failure.message)
    expect(result.protocolVersion).toBe('2025-11-25')
    expect(result.serverInfo.name).toContain('everything')
    expect(result.tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'get-sum']))
    expect(result.skippedTools).toEqual([])
    expect(result.capabilities.tools).toBeDefined()
  })

  it('follows pages, keeps unknown fields, skips what no client could be shown, and ends the session', async () => {
    const inputSchema = { type: 'object' }
    const { url, seen } = await rpcPeer(
      afterHandshake(({ id, params }) => ({
        body: {
          jsonrpc: '2.0',
          id,
          result:
            params?.cursor === undefined
              ? {
                  tools: [
                    { name: 'a', inputSchema, 'x-own': 1 },
                    { name: 'not ok', inputSchema },
                  ],
                  nextCursor: 'p2',
                }
              : {
                  tools: [
                    { name: 'b', inputSchema },
                    { name: 'a', inputSchema },
                  ],
                },
        },
      })),
    )
    const reports: StageReport[] = []
    const result = ProbeResult.parse(
      await probeMcp({ url, timeoutMs: 5000, onStage: (report) => reports.push(report) }),
    )
    if (!result.ok) throw new Error(result.failure.message)
    expect(result.tools).toEqual([
      { name: 'a', inputSchema, 'x-own': 1 },
      { name: 'b', inputSchema },
    ])
    expect(result.skippedTools.map(({ name }) => name)).toEqual(['not ok', 'a'])
    expect(result.serverInfo).toEqual({ name: 'small', version: '1.0.0' })
    expect(seen.at(-1)).toBe('DELETE')
    expect(result.stages.map(({ name }) => name)).toEqual(['connect', 'protocol', 'capabilities', 'tools'])
    expect(reports.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'connect running',
      'connect passed',
      'protocol running',
      'protocol passed',
      'capabilities running',
      'capabilities passed',
      'tools running',
      'tools passed',
    ])
  })

  it('asks no tools of a server without the capability', async () => {
    const { url, seen } = await rpcPeer((message) =>
      message.method === 'initialize'
        ? initializeResult(message, { capabilities: {} })
        : { status: 202, body: '' },
    )
    const result = await probeMcp({ url, timeoutMs: 5000 })
    expect(result).toMatchObject({ ok: true, tools: [] })
    expect(seen).not.toContain('tools/list')
  })
})
