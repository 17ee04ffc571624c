import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type RpcMessage, rpcRequest, rpcResult } from './json-rpc.ts'
import { createSessionRelay, type SessionRelayOptions } from './session-relay.ts'

const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

/** Servers that answer in words of their own, ask back where `ask` is called, and say nothing to `hang`. */
async function start(options: Partial<SessionRelayOptions> = {}) {
  let open = 0
  const told: RpcMessage[] = []
  const relay = createSessionRelay({
    maxSessions: 100,
    idleMs: 60_000,
    requestTimeoutMs: 60_000,
    maxInFlight: 8,
    open: async ({ onMessage }) => {
      const name = ++open
      return {
        async send(message) {
          told.push(message)
          if (!('method' in message)) return onMessage(rpcResult('asked', { said: message }))
          if (!('id' in message) || message.method === 'hang') return
          const { id, method } = message
          if (method === 'ask') onMessage(rpcRequest(id, 'sampling/createMessage', { of: name }))
          onMessage(rpcResult(id, { of: name }))
        },
        close: () => void closed.push(name),
      }
    },
    ...options,
  })
  const closed: number[] = []
  const server = createServer((request, response) => void serve(request, response))
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = 'GET', headers } = request
    const user = { key: String(headers.from ?? ''), agentId: null, headers: {}, env: {} }
    await relay.handle({ method, headers, user, body: Buffer.concat(chunks) }, response)
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ended.push(async () => {
    relay.close('The test is over.')
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }
  const send = (method: string, session?: string, init: Init = {}) =>
    fetch(url, {
      method: 'POST',
      body: JSON.stringify(rpcRequest(1, method, {})),
      ...init,
      headers: {
        accept: 'application/json, text/event-stream',
        ...(session === undefined ? {} : { 'mcp-session-id': session }),
        ...init.headers,
      },
    })
  const initialize = async () => {
    const answer = await send('initialize')
    await answer.text()
    return answer.headers.get('mcp-session-id') ?? ''
  }
  return { relay, closed, told, send, initialize }
}

describe('a session with a server of its own', () => {
  it('gets the answers of that one, although others use equal ids at the same time', async () => {
    const { send, initialize } = await start()
    const sessions = await Promise.all([1, 2, 3, 4].map(initialize))
    const answers = await Promise.all(
      sessions.map(
        async (session) => (await (await send('any', session)).json()) as { result: { of: number } },
      ),
    )
    expect(answers.map(({ result }) => result.of).sort((a, b) => a - b)).toEqual([1, 2, 3, 4])
    expect(new Set(sessions).size).toBe(4)
  })

  it('hears what its server asks on the stream of the call, with the answer after it', async () => {
    const { send, initialize } = await start()
    const text = await (await send('ask', await initialize())).text()
    const messages = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? '') as unknown)
    expect(messages).toMatchObject([{ method: 'sampling/createMessage' }, { id: 1, result: { of: 1 } }])
  })

  it('is nobody else’s, whoever has its id', async () => {
    const { send, initialize, closed } = await start()
    const session = await initialize()
    const other = { headers: { 'mcp-session-id': session, from: 'another' } }
    expect((await send('any', session, other)).status).toBe(404)
    expect((await send('', session, { ...other, method: 'DELETE', body: null })).status).toBe(404)
    expect([(await send('any', session)).status, closed]).toEqual([200, []])
  })

  it('that its client ends is gone, with its server', async () => {
    const { send, initialize, closed, relay } = await start()
    const session = await initialize()
    expect((await send('', session, { method: 'DELETE', body: null })).status).toBe(204)
    expect((await send('any', session)).status).toBe(404)
    expect([closed, relay.sessions()]).toEqual([[1], 0])
  })

  it('tells its server when a client leaves in the middle of a call', async () => {
    const { send, initialize, told } = await start()
    const session = await initialize()
    const gone = new AbortController()
    const call = send('hang', session, { signal: gone.signal })
    await vi.waitFor(() => expect(told).toContainEqual(expect.objectContaining({ method: 'hang' })))
    gone.abort()
    await expect(call).rejects.toThrow('aborted')
    await vi.waitFor(() => {
      const cancelled = told.find((message) => 'method' in message && message.method.endsWith('/cancelled'))
      expect(cancelled).toMatchObject({ params: { requestId: 1 } })
    })
  })
})

describe('F30: sessions that are opened and abandoned', () => {
  it('end after the idle limit, each with its server', async () => {
    const { initialize, closed, relay } = await start({ idleMs: 50 })
    for (let i = 0; i < 40; i++) await initialize()
    await vi.waitFor(() => expect([closed.length, relay.sessions()]).toEqual([40, 0]), { timeout: 20_000 })
  })

  it('never pass the cap: the one idle for longest makes room', async () => {
    const { initialize, closed, relay, send } = await start({ maxSessions: 3 })
    const first = await initialize()
    for (let i = 0; i < 9; i++) await initialize()
    expect([closed.length, relay.sessions()]).toEqual([7, 3])
    expect((await send('any', first)).status).toBe(404)
  })

  it('are refused when all that are open are in use', async () => {
    const { initialize, send, told } = await start({ maxSessions: 1 })
    const session = await initialize()
    const gone = new AbortController()
    const call = send('hang', session, { signal: gone.signal }).catch(() => {})
    await vi.waitFor(() => expect(told.length).toBe(2))
    expect((await send('initialize')).status).toBe(503)
    gone.abort()
    await call
  })
})
