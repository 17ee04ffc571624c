import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHttpPeer } from '#testing/probe-peers.ts'
import { AddressRefused, parseAllowedRemotes } from './address-guard.ts'
import { createGuardedDispatcher } from './guarded-dispatcher.ts'

let peer: Awaited<ReturnType<typeof startHttpPeer>>
let served = 0
beforeAll(async () => {
  peer = await startHttpPeer((_request, response) => {
    served++
    response.setHeader('connection', 'close').end('inside')
  })
})
afterAll(() => peer.stop())

/** A name whose addresses change with every look. */
function changing(...answers: string[][]) {
  let asked = 0
  const dispatcher = createGuardedDispatcher(
    parseAllowedRemotes('127.0.0.1'),
    (_host, _options, callback) => {
      const addresses = answers[Math.min(asked++, answers.length - 1)] ?? []
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    },
  )
  const origin = `http://rebinding.example:${peer.port}`
  const call = async () => {
    const { body } = await dispatcher.request({ origin, path: '/', method: 'GET' })
    return body.text()
  }
  return { call, asked: () => asked, close: () => dispatcher.destroy() }
}

describe('F40: a name whose addresses change', () => {
  it('is looked up once for a connection, and connected to where it was checked', async () => {
    const name = changing(['127.0.0.1'])
    expect(await name.call()).toBe('inside')
    expect(name.asked()).toBe(1)
    await name.close()
  })

  it.each([
    ['to a forbidden one', ['127.0.0.2']],
    ['to one more that is forbidden', ['127.0.0.1', '127.0.0.2']],
    ['to a forbidden one in other clothes', ['::ffff:127.0.0.2']],
    ['to the metadata service', ['169.254.169.254']],
  ])('%s is refused at the next connection', async (_how, next) => {
    const name = changing(['127.0.0.1'], next)
    await name.call()
    const before = served
    await expect(name.call()).rejects.toThrow(AddressRefused)
    expect(served).toBe(before)
    await name.close()
  })
})
