import { expect, it } from 'vitest'
import { type RpcMessage, rpcNotification } from '#mcp/json-rpc.ts'
import { sendLatest } from './send-latest.ts'

it('begins with the first message, and says the same once to a client that reads slowly', async () => {
  const sent: RpcMessage[] = []
  let read = Promise.withResolvers<void>()
  const news = sendLatest({
    async send(message) {
      sent.push(message)
      await read.promise
    },
  })
  const [first, a, b, newer] = ['first', 'a', 'b', 'newer'].map((method) => rpcNotification(method))
  if (!first || !a || !b || !newer) throw new Error('missing')
  news.tell('a', a)
  expect(sent).toEqual([])
  news.begin(first)
  news.tell('b', b)
  news.tell('a', newer)
  expect(sent).toEqual([first])
  read.resolve()
  await expect.poll(() => sent).toEqual([first, newer, b])
  read = Promise.withResolvers<void>()
  read.resolve()
  news.tell('a', a)
  await expect.poll(() => sent).toEqual([first, newer, b, a])
})
