import type { RequestListener } from 'node:http'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, it } from 'vitest'
import { ProbeResult } from '#contracts/probe.ts'
import { startConformanceFixture } from '#testing/conformance/start-fixture.ts'
import { type Rpc, type RpcAnswer, startHttpPeer, startRpcPeer } from '#testing/probe-peers.ts'
import { type ProbeOptions, probeMcp } from './probe.ts'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function started<P extends { stop(): Promise<void> }>(running: Promise<P>): Promise<P> {
  const peer = await running
  open.push(() => peer.stop())
  return peer
}
const peer = (handler: RequestListener) => started(startHttpPeer(handler))
const rpcPeer = (answer: (message: Rpc) => RpcAnswer | null) => started(startRpcPeer(answer))

const TIMEOUT_MS = 10_000

async function probed(url: string, options: Partial<ProbeOptions> = {}) {
  return ProbeResult.parse(await probeMcp({ url, timeoutMs: TIMEOUT_MS, ...options }))
}
async function passed(url: string, options: Partial<ProbeOptions> = {}) {
  const result = await probed(url, options)
  if (!result.ok) throw new Error(JSON.stringify(result.failure))
  return result
}
async function failed(url: string, options: Partial<ProbeOptions> = {}) {
  const result = await probed(url, options)
  if (result.ok) throw new Error('The probe passed.')
  return result.failure
}

const result = ({ id }: Rpc, said: object): RpcAnswer => ({ body: { jsonrpc: '2.0', id, result: said } })
const error = ({ id }: Rpc, code: number, message: string, data?: unknown): RpcAnswer => ({
  body: { jsonrpc: '2.0', id, error: { code, message, data } },
})
const initialized = (message: Rpc, protocolVersion: unknown, capabilities: object = { tools: {} }) => ({
  ...result(message, { protocolVersion, capabilities, serverInfo: { name: 's', version: '1' } }),
  headers: { 'mcp-session-id': 's1' },
})
const TOOL = { name: 'a', inputSchema: { type: 'object' } }

/** A server with sessions: `lists` answers what is asked after the handshake. */
function sessionPeer(lists: (message: Rpc) => RpcAnswer | null, capabilities?: object) {
  return rpcPeer((message) => {
    if (message.method === 'initialize') return initialized(message, '2025-06-18', capabilities)
    if (message.method === 'notifications/initialized') return { status: 202, body: '' }
    if (message.method === 'server/discover') return { ...error(message, -32_000, 'No session'), status: 400 }
    return lists(message)
  })
}

/** The official SDK's server of the older SSE transport at /sse, which answers nothing else. */
async function ssePeer() {
  const transports = new Map<string, SSEServerTransport>()
  const { url } = await peer((request, response) => {
    const at = new URL(request.url ?? '/', 'http://localhost')
    if (request.method === 'GET' && at.pathname === '/sse') {
      const transport = new SSEServerTransport('/messages', response)
      const server = new Server({ name: 'old', version: '1' }, { capabilities: { tools: {} } })
      server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [TOOL as never] }))
      transports.set(transport.sessionId, transport)
      response.once('close', () => transports.delete(transport.sessionId))
      return void server.connect(transport)
    }
    const transport = transports.get(at.searchParams.get('sessionId') ?? '')
    if (transport && at.pathname === '/messages') return void transport.handlePostMessage(request, response)
    response.writeHead(at.pathname === '/sse' ? 405 : 404).end()
  })
  return { url, sessions: () => transports.size }
}

describe('the eras', () => {
  it('prefers the stateless one, says what else is spoken, and reads every list', async () => {
    const { url } = await started(startConformanceFixture())
    const found = await passed(url)
    expect(found).toMatchObject({
      era: 'modern',
      protocolVersion: '2026-07-28',
      transport: 'streamable-http',
    })
    expect(found.supportedVersions).toContain('2026-07-28')
    expect(found.tools.length).toBeGreaterThan(5)
    expect(found.resources).toBeGreaterThan(0)
    expect(found.prompts).toBeGreaterThan(0)
    expect(found.stages.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'connect passed',
      'protocol passed',
      'capabilities passed',
      'tools passed',
      'resources passed',
      'prompts passed',
    ])
  })

  it('knows a server of the stateless era alone', async () => {
    const { url } = await started(startConformanceFixture(0, { sessions: false }))
    expect(await passed(url)).toMatchObject({ era: 'modern', warnings: [] })
  })

  it('asks again with the version that the server names in place of the newest', async () => {
    const asked: unknown[] = []
    const { url } = await rpcPeer((message) => {
      if (message.method === 'server/discover') return error(message, -32_601, 'Method not found')
      if (message.method !== 'initialize') return { status: 202, body: '' }
      const wanted = message.params?.protocolVersion
      asked.push(wanted)
      if (wanted === '2025-03-26') return initialized(message, wanted, {})
      return error(message, -32_602, 'Unsupported protocol version', {
        supported: ['2024-11-05', '2025-03-26'],
      })
    })
    expect(await passed(url)).toMatchObject({ era: 'legacy', protocolVersion: '2025-03-26' })
    expect(asked).toEqual(['2025-11-25', '2025-03-26'])
  })

  it.each<[string, (message: Rpc) => RpcAnswer | null]>([
    ['nothing', () => null],
    ['a page with 500', () => ({ status: 500, type: 'text/html', body: '<html>' })],
    ['404', () => ({ status: 404, body: '' })],
    ['an empty result', (message) => result(message, {})],
  ])('a server that says %s to what it does not know is asked to initialise', async (_what, answer) => {
    const { url, seen } = await rpcPeer((message) => {
      if (message.method === 'server/discover') return answer(message)
      return message.method === 'initialize'
        ? initialized(message, '2025-11-25', {})
        : { status: 202, body: '' }
    })
    expect(await passed(url, { timeoutMs: 3000 })).toMatchObject({ era: 'legacy' })
    expect(seen).toEqual(['server/discover', 'initialize', 'notifications/initialized', 'DELETE'])
  })

  it('missing credentials say nothing about the era, so nothing else is asked', async () => {
    const { url, seen } = await rpcPeer(() => ({ status: 401, body: '' }))
    expect(await failed(url)).toMatchObject({ code: 'AUTH_REQUIRED', stage: 'protocol' })
    expect(seen).toEqual(['server/discover'])
  })

  it('leaves out a tool whose headers nobody could send, in the era that has them', async () => {
    const bad = {
      name: 'bad',
      inputSchema: { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'No way' } } },
    }
    const modern = await rpcPeer((message) =>
      message.method === 'server/discover'
        ? result(message, { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } })
        : result(message, { tools: [TOOL, bad] }),
    )
    const found = await passed(modern.url)
    expect(found.tools.map(({ name }) => name)).toEqual(['a'])
    expect(found.skippedTools).toEqual([{ name: 'bad', reason: expect.stringContaining('x-mcp-header') }])
    const legacy = await sessionPeer((message) => result(message, { tools: [bad] }))
    expect((await passed(legacy.url)).skippedTools).toEqual([])
  })
})

describe('the older SSE transport', () => {
  it('is found where streamable HTTP is refused, and its stream is closed', async () => {
    const { url, sessions } = await ssePeer()
    const found = await passed(`${url}/sse`)
    expect(found).toMatchObject({ transport: 'sse', era: 'legacy', serverInfo: { name: 'old' } })
    expect(found.tools.map(({ name }) => name)).toEqual(['a'])
    await expect.poll(sessions).toBe(0)
  })

  it('is spoken at once where it is declared', async () => {
    const { url } = await ssePeer()
    expect(await passed(`${url}/sse`, { transport: 'sse' })).toMatchObject({ transport: 'sse' })
  })

  it('is named where another transport is declared, and where the path is another', async () => {
    const { url } = await ssePeer()
    const works = { url: `${url}/sse`, transport: 'sse' }
    const declared = await failed(`${url}/sse`, { transport: 'streamable-http' })
    expect(declared).toMatchObject({ code: 'NOT_AN_MCP_SERVER', works })
    expect(declared.message).toContain('older SSE transport')
    expect(await failed(url)).toMatchObject({ code: 'ENDPOINT_NOT_FOUND', works })
  })

  it('wants no messages at another origin', async () => {
    const { url } = await peer((request, response) => {
      if (request.method !== 'GET') return void response.writeHead(405).end()
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('event: endpoint\ndata: http://127.0.0.1:9/messages\n\n')
    })
    expect(await failed(`${url}/sse`, { transport: 'sse' })).toMatchObject({
      code: 'NOT_AN_MCP_SERVER',
      message: expect.stringContaining('another origin'),
    })
  })
})

describe('lists beside tools', () => {
  const declared = { tools: {}, resources: {}, prompts: {} }
  const tools = (message: Rpc) => result(message, { tools: [TOOL] })

  it.each<[string, (message: Rpc) => RpcAnswer | null, string]>([
    ['are refused', (message) => error(message, -32_603, 'The disk is away'), 'The disk is away'],
    ['are no list', (message) => result(message, { resources: 'many' }), 'not valid MCP'],
    ['never end', (message) => result(message, { resources: [], nextCursor: 'again' }), 'repeats a cursor'],
    ['are not answered', () => null, 'no answer in time'],
  ])('that %s are a warning where tools work', async (_how, answer, words) => {
    const { url, seen } = await sessionPeer((message) => {
      if (message.method === 'tools/list') return tools(message)
      return message.method === 'resources/list'
        ? answer(message)
        : result(message, { prompts: [{ name: 'p' }] })
    }, declared)
    const found = await passed(url, { timeoutMs: words === 'no answer in time' ? 2500 : TIMEOUT_MS })
    expect(found).toMatchObject({ resources: null, prompts: 1 })
    expect(found.warnings).toEqual([expect.stringContaining(words)])
    expect(found.stages.find(({ name }) => name === 'resources')?.state).toBe('warned')
    expect(seen.at(-1)).toBe('DELETE')
  })

  it('are a failure where they are all that there is, and where the server is gone', async () => {
    const alone = await sessionPeer((message) => error(message, -32_603, 'no'), { resources: {} })
    expect(await failed(alone.url)).toMatchObject({ code: 'PROTOCOL_ERROR', stage: 'resources' })
    const gone = await sessionPeer(
      (message) => (message.method === 'tools/list' ? tools(message) : error(message, -32_000, 'Closed')),
      declared,
    )
    expect(await failed(gone.url)).toMatchObject({ code: 'SERVER_EXITED', stage: 'resources' })
  })
})

it('takes up a stream that the server closed before it answered, after the pause that it asked for', async () => {
  let asked: Rpc | null = null
  const { url } = await peer((request, response) => {
    const stream = { 'content-type': 'text/event-stream' }
    if (request.method === 'DELETE') return void response.end()
    if (request.method === 'GET') {
      const message = { jsonrpc: '2.0', id: asked?.id, result: { tools: [TOOL] } }
      const known = request.headers['last-event-id'] === 'e1'
      return void response.writeHead(known ? 200 : 400, stream).end(`data: ${JSON.stringify(message)}\n\n`)
    }
    let text = ''
    request.on('data', (chunk) => {
      text += String(chunk)
    })
    request.on('end', () => {
      const message = JSON.parse(text) as Rpc
      if (message.method === 'tools/list') {
        asked = message
        return void response.writeHead(200, stream).end('id: e1\nretry: 50\ndata: \n\n')
      }
      const { status = 200, body } =
        message.method === 'initialize' ? initialized(message, '2025-11-25') : { status: 202, body: '' }
      const isDiscover = message.method === 'server/discover'
      response.writeHead(isDiscover ? 400 : status, {
        'content-type': 'application/json',
        'mcp-session-id': 's',
      })
      response.end(body === '' ? '' : JSON.stringify(body))
    })
  })
  expect((await passed(url)).tools).toHaveLength(1)
})
