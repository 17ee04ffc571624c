import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { readSse } from './sse.ts'
import { createStdioBridge, type StdioBridge, type StdioBridgeOptions } from './stdio-bridge.ts'

const PEER = fileURLToPath(new URL('../testing/stdio-peer.ts', import.meta.url))
const ACCEPT = 'application/json, text/event-stream'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

type Setup = { url: string; bridge: StdioBridge; child: ChildProcess; chatter: string[] }

async function start(options: Partial<StdioBridgeOptions> = {}, version = '2025-11-25'): Promise<Setup> {
  const child = spawn(process.execPath, [PEER, version], { stdio: ['pipe', 'pipe', 'inherit'] })
  const chatter: string[] = []
  const bridge = createStdioBridge({
    stdin: child.stdin,
    stdout: child.stdout,
    clientInfo: { name: 'bridge', version: '1.0.0' },
    onChatter: (line) => chatter.push(line),
    ...options,
  })
  child.once('exit', (code) => bridge.close(`The server ended with code ${code}.`))
  await bridge.initialize(10_000)
  const server: Server = createServer((request, response) => {
    buffer(request).then(
      (body) => bridge.handle({ method: request.method ?? '', headers: request.headers, body }, response),
      () => response.destroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(
    () => bridge.close('over'),
    () => child.kill('SIGKILL'),
    () => {
      server.closeAllConnections()
      server.close()
    },
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bridge, child, chatter }
}

type Init = { session?: string; headers?: Record<string, string>; signal?: AbortSignal }

function post(url: string, message: unknown, init: Init = {}): Promise<Response> {
  const session: Record<string, string> = init.session === undefined ? {} : { 'mcp-session-id': init.session }
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: ACCEPT, ...session, ...init.headers },
    body: typeof message === 'string' ? message : JSON.stringify(message),
    ...(init.signal === undefined ? {} : { signal: init.signal }),
  })
}

async function openSession(url: string, protocolVersion = '2025-11-25'): Promise<string> {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'c', version: '1' } }
  const answer = await post(url, { jsonrpc: '2.0', id: 1, method: 'initialize', params })
  expect(answer.status).toBe(200)
  return answer.headers.get('mcp-session-id') ?? ''
}

type Answer = {
  id: unknown
  result: { value?: unknown; meta?: unknown; answers?: unknown; seen?: Seen[] }
  error?: { code: number; message: string }
}
type Seen = { method: string; params: { reason?: string } }

async function call(
  url: string,
  session: string,
  method: string,
  params: object = {},
  id: unknown = 1,
): Promise<Answer> {
  const answer = await post(url, { jsonrpc: '2.0', id, method, params }, { session })
  return (await answer.json()) as Answer
}

/** Sends a request that nobody waits for: it is still running when its test ends. */
function leave(...request: Parameters<typeof call>): void {
  call(...request).catch(() => {})
}

/** What the child has seen, without this question itself. */
async function seenByChild(setup: Setup, session: string): Promise<Seen[]> {
  return (await call(setup.url, session, 'test/seen')).result.seen?.slice(0, -1) ?? []
}

describe('initialisation', () => {
  it('initialises the child once, without capabilities, and hands its answer to every session', async () => {
    const setup = await start()
    const sessions = [await openSession(setup.url), await openSession(setup.url)]
    expect(new Set(sessions).size).toBe(2)
    const seen = await seenByChild(setup, sessions[0] as string)
    expect(seen.map((message) => message.method)).toEqual(['initialize', 'notifications/initialized'])
    expect(seen[0]?.params).toMatchObject({ protocolVersion: '2025-11-25', capabilities: {} })
  })

  it.each([
    ['2025-11-25', '2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-11-25', '2025-06-18'],
    ['2025-11-25', '2025-06-18', '2025-06-18'],
    ['2025-11-25', '2099-01-01', '2025-11-25'],
    ['2025-11-25', '2020-01-01', '2025-11-25'],
  ])('a child of %s asked for %s answers %s', async (version, requested, answered) => {
    const { url } = await start({}, version)
    const params = { protocolVersion: requested, capabilities: {} }
    const answer = await post(url, { jsonrpc: '2.0', id: 'i', method: 'initialize', params })
    expect(await answer.json()).toMatchObject({
      id: 'i',
      result: { protocolVersion: answered, instructions: 'Be kind.', serverInfo: { name: 'peer' } },
    })
  })

  it('says in words when there is no answer', async () => {
    const child = spawn(process.execPath, ['-e', 'console.log("hello"); setInterval(() => {}, 1e6)'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    cleanups.push(() => child.kill('SIGKILL'))
    const chatter: string[] = []
    const bridge = createStdioBridge({
      stdin: child.stdin,
      stdout: child.stdout,
      clientInfo: { name: 'bridge', version: '1' },
      onChatter: (line) => chatter.push(line),
    })
    await expect(bridge.initialize(500)).rejects.toThrow('did not answer within 0.5 s')
    await expect.poll(() => chatter).toEqual(['hello'])
  })
})

describe('requests', () => {
  it('keeps equal ids of different sessions apart', async () => {
    const { url } = await start()
    const sessions = await Promise.all(Array.from({ length: 5 }, () => openSession(url)))
    const answers = await Promise.all(
      sessions.map((session, i) =>
        call(url, session, 'test/echo', { value: i, delayMs: 50 - i * 10 }, 'same'),
      ),
    )
    expect(answers.map((answer) => [answer.id, answer.result.value])).toEqual(
      sessions.map((_, i) => ['same', i]),
    )
  })

  it('relays progress to its own request under its own token, and only as a stream', async () => {
    const { url } = await start()
    const session = await openSession(url)
    const params = { _meta: { progressToken: 'mine', other: 1 } }
    const message = { jsonrpc: '2.0', id: 9, method: 'test/progress', params }
    const streamed = await post(url, message, { session })
    expect(streamed.headers.get('content-type')).toBe('text/event-stream')
    const events: { id?: number; params?: { progress: number; progressToken: string } }[] = []
    for await (const event of readSse(streamed.body as never, { maxEventChars: 10_000 })) {
      events.push(JSON.parse(event.data))
    }
    expect(events.map((event) => event.params?.progress ?? event.id)).toEqual([1, 2, 3, 9])
    expect(events[0]?.params?.progressToken).toBe('mine')
    const plain = await post(url, message, { session, headers: { accept: 'application/json' } })
    expect(await plain.json()).toEqual({ jsonrpc: '2.0', id: 9, result: { done: true } })
    const echoed = await call(url, session, 'test/echo', { value: 1, _meta: { other: 1 } })
    expect(echoed.result.meta).toEqual({ other: 1 })
  })

  it("answers the child's own requests itself", async () => {
    const { url } = await start()
    const { result } = await call(url, await openSession(url), 'test/ask')
    expect(result.answers).toEqual([
      { jsonrpc: '2.0', id: 'roots-1', error: expect.objectContaining({ code: -32601 }) },
      { jsonrpc: '2.0', id: 'ping-1', result: {} },
    ])
  })

  it('passes errors on, and logs what is no message', async () => {
    const { url, chatter } = await start()
    const session = await openSession(url)
    expect(await call(url, session, 'no/such')).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32601, message: 'Unknown method.' },
    })
    await call(url, session, 'test/chatter')
    expect(chatter).toEqual(['Listening on nothing.', '{"half":'])
  })

  it('fails a request whose answer is too large, at once, and goes on', async () => {
    const { url } = await start({ maxMessageChars: 10_000 })
    const session = await openSession(url)
    expect(await call(url, session, 'test/long', { length: 20_000 }, 'big')).toMatchObject({
      id: 'big',
      error: { code: -32603, message: expect.stringContaining('larger') },
    })
    expect(await call(url, session, 'test/echo', { value: 1 })).toMatchObject({ result: { value: 1 } })
  })

  it('cancels for a notification, a disconnect and a time-out', async () => {
    const setup = await start({ requestTimeoutMs: 1_500 })
    const { url } = setup
    const session = await openSession(url)
    const hanging = call(url, session, 'test/hang', {}, 'first')
    await expect.poll(() => seenByChild(setup, session).then((seen) => seen.length)).toBeGreaterThan(2)
    const params = { requestId: 'first', reason: 'changed my mind' }
    const cancel = await post(url, { jsonrpc: '2.0', method: 'notifications/cancelled', params }, { session })
    expect(cancel.status).toBe(202)
    expect((await hanging).error?.message).toBe('changed my mind')

    const leaving = new AbortController()
    const message = { jsonrpc: '2.0', id: 'second', method: 'test/hang' }
    const left = post(url, message, { session, signal: leaving.signal }).catch(() => 'gone')
    await new Promise((resolve) => setTimeout(resolve, 100))
    leaving.abort()
    expect(await left).toBe('gone')

    expect((await call(url, session, 'test/hang', {}, 'third')).error).toMatchObject({ code: -32001 })
    await expect
      .poll(async () => {
        const seen = await seenByChild(setup, session)
        return seen
          .filter(({ method }) => method === 'notifications/cancelled')
          .map(({ params: p }) => p.reason)
      })
      .toEqual(['changed my mind', 'The client disconnected.', 'The MCP server did not answer within 1.5 s.'])
  })

  it('fails all that waits when the child dies', async () => {
    const { url } = await start()
    const session = await openSession(url)
    const hanging = [call(url, session, 'test/hang', {}, 1), call(url, session, 'test/hang', {}, 2)]
    await new Promise((resolve) => setTimeout(resolve, 100))
    await call(url, session, 'test/exit', {}, 3)
    for (const answer of await Promise.all(hanging)) {
      expect(answer.error).toMatchObject({
        code: -32000,
        message: expect.stringMatching(/ended|closed|stopped/),
      })
    }
  })
})

describe('the HTTP side', () => {
  it('refuses in the ways of the specification', async () => {
    const { url } = await start()
    const session = await openSession(url)
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
    const initialize = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25' },
    }
    const status = async (message: unknown, init: Init = {}) => (await post(url, message, init)).status
    expect(await status(ping)).toBe(400)
    expect(await status(ping, { session: crypto.randomUUID() })).toBe(404)
    expect(await status('{', { session })).toBe(400)
    expect(await status([ping], { session })).toBe(400)
    expect(await status({ hello: 1 }, { session })).toBe(400)
    expect(await status(initialize, { session })).toBe(400)
    expect(await status({ ...initialize, params: {} })).toBe(400)
    expect(await status(ping, { session, headers: { 'mcp-protocol-version': '1999-01-01' } })).toBe(400)
    expect(await status({ jsonrpc: '2.0', method: 'notifications/initialized' }, { session })).toBe(202)
    expect(await status({ jsonrpc: '2.0', id: 5, result: {} }, { session })).toBe(202)
    expect((await fetch(url, { method: 'PUT', headers: { 'mcp-session-id': session } })).status).toBe(405)
    expect(await status(ping, { session })).toBe(200)
  })

  it('ends a session with DELETE', async () => {
    const { url, bridge } = await start()
    const session = await openSession(url)
    const headers = { 'mcp-session-id': session }
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(204)
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(404)
    expect(bridge.sessions()).toBe(0)
  })

  it('makes room for a new session by ending the one idle for longest', async () => {
    const { url, bridge } = await start({ maxSessions: 2 })
    const [first, second] = [await openSession(url), await openSession(url)]
    await new Promise((resolve) => setTimeout(resolve, 5))
    await call(url, first, 'ping')
    const third = await openSession(url)
    expect(bridge.sessions()).toBe(2)
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
    expect((await post(url, ping, { session: second })).status).toBe(404)
    leave(url, first, 'test/hang')
    leave(url, third, 'test/hang')
    await new Promise((resolve) => setTimeout(resolve, 100))
    const params = { protocolVersion: '2025-11-25' }
    const full = await post(url, { jsonrpc: '2.0', id: 1, method: 'initialize', params })
    expect(full.status).toBe(503)
  })

  it('limits the requests of one session', async () => {
    const { url } = await start({ maxInFlight: 2 })
    const session = await openSession(url)
    leave(url, session, 'test/hang', {}, 1)
    leave(url, session, 'test/hang', {}, 2)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const third = { jsonrpc: '2.0', id: 3, method: 'ping' }
    expect((await post(url, third, { session })).status).toBe(429)
    expect((await post(url, { ...third, id: 1 }, { session })).status).toBe(400)
  })

  it('tells list changes to all, resource updates to subscribers, and log messages to nobody', async () => {
    const { url } = await start()
    const [subscriber, other] = [await openSession(url), await openSession(url)]
    const events: Record<string, string[]> = { [subscriber]: [], [other]: [] }
    for (const session of [subscriber, other]) {
      const headers = { accept: 'text/event-stream', 'mcp-session-id': session }
      const stopping = new AbortController()
      const stream = await fetch(url, { headers, signal: stopping.signal })
      expect((await fetch(url, { headers })).status).toBe(409)
      cleanups.push(() => stopping.abort())
      const read = async () => {
        for await (const event of readSse(stream.body as never, { maxEventChars: 10_000 })) {
          events[session]?.push(JSON.parse(event.data).method)
        }
      }
      read().catch(() => {})
    }
    await call(url, subscriber, 'resources/subscribe', { uri: 'test://one' })
    await call(url, other, 'test/change')
    await expect
      .poll(() => events)
      .toEqual({
        [subscriber]: ['notifications/tools/list_changed', 'notifications/resources/updated'],
        [other]: ['notifications/tools/list_changed'],
      })
  })
})

describe('a server of the stateless era alone', () => {
  const headers = { 'mcp-protocol-version': '2026-07-28' }
  const messagesOf = (text: string) =>
    [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? '') as object)

  it('is served without sessions, equal ids and progress tokens apart', async () => {
    const { url } = await start({}, '2026-07-28')
    const discovered = await post(url, { jsonrpc: '2.0', id: 1, method: 'server/discover' }, { headers })
    expect(await discovered.json()).toMatchObject({ id: 1, result: { supportedVersions: ['2026-07-28'] } })
    const params = (value: number) => ({ value, delayMs: 20, _meta: { progressToken: 'same' } })
    const echoes = await Promise.all(
      [1, 2, 3].map(async (value) =>
        (
          await post(url, { jsonrpc: '2.0', id: 7, method: 'test/echo', params: params(value) }, { headers })
        ).json(),
      ),
    )
    expect(echoes).toMatchObject([1, 2, 3].map((value) => ({ id: 7, result: { value } })))
    const progress = { jsonrpc: '2.0', id: 'p', method: 'test/progress', params: params(0) }
    expect(messagesOf(await (await post(url, progress, { headers })).text())).toMatchObject([
      ...[1, 2, 3].map((step) => ({ params: { progressToken: 'same', progress: step } })),
      { id: 'p', result: { done: true } },
    ])
  })

  it('says to a client of sessions which version it speaks', async () => {
    const { url } = await start({}, '2026-07-28')
    const refused = await post(url, { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ error: { data: { supported: ['2026-07-28'] } } })
  })

  it('tells a subscriber of changes under its own id, until it leaves', async () => {
    const { url } = await start({}, '2026-07-28')
    const leaving = new AbortController()
    const listen = { jsonrpc: '2.0', id: 'mine', method: 'subscriptions/listen', params: {} }
    const stream = await post(url, listen, { headers, signal: leaving.signal })
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader()
    let text = ''
    const until = async (words: string) => {
      while (!text.includes(words)) text += new TextDecoder().decode((await reader.read()).value)
    }
    await until('acknowledged')
    await post(url, { jsonrpc: '2.0', id: 2, method: 'test/change' }, { headers })
    await until('list_changed')
    for (const message of messagesOf(text))
      expect(message).toMatchObject({
        params: { _meta: { 'io.modelcontextprotocol/subscriptionId': 'mine' } },
      })
    leaving.abort()
    await expect
      .poll(async () => (await post(url, { jsonrpc: '2.0', id: 3, method: 'test/seen' }, { headers })).text())
      .toContain('notifications/cancelled')
  })
})
