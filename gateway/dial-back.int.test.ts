import { afterEach, expect, it } from 'vitest'
import { createIdentity } from '#protocol/identity.ts'
import { freePort } from '#testing/everything-server.ts'
import { startToolboxStandIn } from '#testing/toolbox-stand-in.ts'
import { startDialBack } from './dial-back.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

it('reaches toolboxes that are there, and says of the others why not, with address and port', async () => {
  const identity = await createIdentity('gateway')
  const stranger = await createIdentity('stranger')
  const toolbox = await startToolboxStandIn(identity.certificate)
  open.push(() => toolbox.stop())
  const { host } = new URL(toolbox.url)
  const port = await freePort()
  const waiting = new Map([
    ['there', { id: 'there', url: `${toolbox.url}/`, certificate: toolbox.certificate }],
    ['gone', { id: 'gone', url: `https://127.0.0.1:${port}`, certificate: toolbox.certificate }],
    ['other', { id: 'other', url: toolbox.url, certificate: stranger.certificate }],
  ])
  const said = new Map<string, string | true>()
  const errors: unknown[] = []
  let rounds = 0
  const dialBack = startDialBack({
    identity,
    everyMs: 20,
    list: async () => {
      if (++rounds === 1) throw new Error('the store is away')
      return [...waiting.values()]
    },
    record: async ({ toolbox, ok, error }) => {
      said.set(toolbox.id, ok || (error ?? ''))
      if (ok) waiting.delete(toolbox.id)
    },
    onError: (error) => errors.push(error),
  })
  open.unshift(() => dialBack.stop())
  await expect.poll(() => said.size).toBe(3)
  expect(said.get('there')).toBe(true)
  expect(said.get('gone')).toBe(`127.0.0.1:${port} refuses connections (ECONNREFUSED).`)
  expect(said.get('other')).toBe(`${host} is answered by another machine than the one that enrolled.`)
  expect(errors).toHaveLength(1)

  const late = await startToolboxStandIn(identity.certificate)
  open.push(() => late.stop())
  waiting.set('gone', { id: 'gone', url: late.url, certificate: late.certificate })
  await expect.poll(() => said.get('gone')).toBe(true)
})
