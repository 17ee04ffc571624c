import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Agent } from 'undici'
import { afterEach, expect, it, vi } from 'vitest'
import { request } from './request.ts'

let server: Server
const agents: Agent[] = []
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.destroy()))
  server.closeAllConnections()
  server.close()
})

async function ask(listener: RequestListener, signal = new AbortController().signal, connections = 1) {
  server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const agent = new Agent({ connections, headersTimeout: 0, bodyTimeout: 0 })
  agents.push(agent)
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const send = (path: string, given = signal) =>
    request(agent, { origin, path, method: 'POST', headers: { 'x-one': '1' }, body: 'sent', signal: given })
  return { send, answer: send('/') }
}

it('sends what it is given, and reads a body whole, in pieces, or up to a size', async () => {
  const seen: string[] = []
  const { send, answer } = await ask((asked, response) => {
    let text = ''
    asked.on('data', (chunk) => (text += chunk))
    asked.on('end', () => {
      seen.push([asked.method, asked.headers['x-one'], text].join(' '))
      response.writeHead(201, { 'x-two': '2' })
      response.write('a'.repeat(1000))
      setImmediate(() => response.end('b'.repeat(1000)))
    })
  })
  const { statusCode, headers, body } = await answer
  expect([statusCode, headers['x-two']]).toEqual([201, '2'])
  expect((await body.bytes(2000))?.toString()).toBe('a'.repeat(1000) + 'b'.repeat(1000))
  let pieces = ''
  for await (const chunk of (await send('/')).body) pieces += chunk.toString()
  expect(pieces).toHaveLength(2000)
  ;(await send('/')).body.leave()
  expect(await (await send('/')).body.bytes(1999)).toBeNull()
  expect(seen).toEqual(Array(4).fill('POST 1 sent'))
})

it('holds a server back while nobody reads, and loses nothing', async () => {
  const total = 8 * 1024 * 1024
  const { answer } = await ask((_asked, response) => void response.end(Buffer.alloc(total, 'x')))
  const { body } = await answer
  await new Promise((resolve) => setTimeout(resolve, 50))
  let size = 0
  for await (const chunk of body) size += chunk.length
  expect(size).toBe(total)
})

it('ends with the signal’s reason: before it is sent, before the answer, and within it', async () => {
  const abort = () => {
    const controller = new AbortController()
    return { controller, reason: new Error('not wanted any more') }
  }
  const waits = abort()
  const { send, answer } = await ask((asked, response) => {
    if (asked.url === '/body') response.write('beginning')
  }, waits.controller.signal)
  const queued = abort()
  const second = send('/', queued.controller.signal)
  queued.controller.abort(queued.reason)
  await expect(second).rejects.toBe(queued.reason)
  waits.controller.abort(waits.reason)
  await expect(answer).rejects.toBe(waits.reason)
  const within = abort()
  const { body } = await send('/body', within.controller.signal)
  const read = body.bytes(100)
  within.controller.abort(within.reason)
  await expect(read).rejects.toBe(within.reason)
  await expect(send('/', within.controller.signal)).rejects.toBe(within.reason)
})

it('says so when a body breaks off, and when nobody is there', async () => {
  const { send, answer } = await ask((_asked, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('some')
    setImmediate(() => response.destroy())
  })
  const { body } = await answer
  await expect(body.bytes(100)).rejects.toThrow(/\w/)
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await expect(send('/')).rejects.toThrow(/\w/)
})

it('leaves an answer whose rest is not wanted: one that ends keeps its connection, one that goes on loses it', async () => {
  const sockets = new Set<Socket>()
  const { send, answer } = await ask((asked, response) => {
    sockets.add(asked.socket)
    response.write('wanted')
    // In a packet of its own, as servers end their streams.
    if (asked.url === '/ends') setTimeout(() => response.end(), 5)
    if (asked.url === '/floods') {
      const flood = () => void (response.write(Buffer.alloc(64 * 1024)) && setImmediate(flood))
      response.on('drain', flood)
      flood()
    }
  })
  const first = async (body: AsyncIterable<Buffer>) => {
    for await (const chunk of body) return chunk.toString()
  }
  expect(await first((await answer).body)).toBe('wanted')
  await vi.waitFor(() => expect([...sockets].every(({ destroyed }) => destroyed)).toBe(true), 10_000)
  sockets.clear()
  for (let time = 0; time < 5; time++) expect(await first((await send('/ends')).body)).toBe('wanted')
  expect(sockets.size).toBe(1)
  expect(await first((await send('/floods')).body)).toMatch(/^wanted/)
  await vi.waitFor(() => expect([...sockets].every(({ destroyed }) => destroyed)).toBe(true), 10_000)
})
