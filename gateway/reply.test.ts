import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { createReply } from './reply.ts'

const server = createServer()
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => vi.useRealTimers())
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function ask() {
  const { port } = server.address() as AddressInfo
  const client = request({ host: '127.0.0.1', port }).on('error', () => {})
  client.end()
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse]
  return { client, response, reply: createReply(response) }
}
async function typeOf({ client }: Awaited<ReturnType<typeof ask>>) {
  const [answer] = (await once(client, 'response')) as [IncomingMessage]
  answer.resume()
  return answer.headers['content-type']
}

it('streams what takes a while or has more than an answer, and answers anything else as JSON', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  const atOnce = await ask()
  atOnce.reply.streamSoon()
  atOnce.reply.finish({ jsonrpc: '2.0', id: 1, result: {} })
  expect(await typeOf(atOnce)).toBe('application/json')
  expect(vi.getTimerCount()).toBe(0)

  const late = await ask()
  late.reply.streamSoon()
  expect(late.reply.streaming).toBe(false)
  vi.advanceTimersByTime(1000)
  expect(await typeOf(late)).toBe('text/event-stream')
  late.reply.finish({ jsonrpc: '2.0', id: 1, result: {} })

  const telling = await ask()
  telling.reply.streamSoon()
  await telling.reply.send({ jsonrpc: '2.0', method: 'notifications/message', params: {} })
  expect(await typeOf(telling)).toBe('text/event-stream')
  telling.reply.finish({ jsonrpc: '2.0', id: 1, result: {} })
  expect(vi.getTimerCount()).toBe(0)
})

it('opens no stream for a client that is gone, and keeps no timer once one has ended', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const left = await ask()
  left.client.destroy()
  await once(left.response, 'close')
  expect(left.reply.gone).toBe(true)
  left.reply.openStream()
  expect(vi.getTimerCount()).toBe(0)

  const stays = await ask()
  stays.reply.openStream()
  expect(vi.getTimerCount()).toBe(1)
  stays.reply.finish({ jsonrpc: '2.0', id: 1, result: {} })
  expect(vi.getTimerCount()).toBe(0)
})
