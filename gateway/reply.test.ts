import { once } from 'node:events'
import { createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { createReply } from './reply.ts'

const server = createServer()
afterEach(() => {
  vi.useRealTimers()
  server.closeAllConnections()
  server.close()
})

it('opens no stream for a client that is gone, and keeps no timer once one has ended', async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const ask = async () => {
    const { port } = server.address() as AddressInfo
    const client = request({ host: '127.0.0.1', port }).on('error', () => {})
    client.end()
    const [, response] = (await once(server, 'request')) as [unknown, ServerResponse]
    return { client, response, reply: createReply(response) }
  }
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
