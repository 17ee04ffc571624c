import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decodeUserEnv, USER_ENV } from '#mcp/user-env.ts'
import { decodeUserHeaders, USER_HEADERS } from '#mcp/user-headers.ts'
import { createIdentity } from '#protocol/identity.ts'
import { startTestGateway, type TestGateway } from '#testing/gateway.ts'
import { answerParams, mcpPeer } from '#testing/mcp-peer.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let toolbox: ToolboxStandIn
let gateway: TestGateway
beforeAll(async () => {
  const identity = await createIdentity('gateway')
  ;[redis, toolbox] = await Promise.all([createTestRedis(), startToolboxStandIn(identity.certificate)])
  gateway = await startTestGateway(redis.url, { identity })
})
afterAll(async () => {
  await gateway.close(0)
  await Promise.all([toolbox.stop(), redis.stop()])
})

const hash = (token: string) => createHash('sha256').update(token).digest()
const key = (value: string) => ({ kind: 'header' as const, name: 'X-Key', ciphertext: value, keyId: 'k' })

it('a call carries the headers of its own connection to the toolbox, and no other’s', async () => {
  const served = mcpPeer(answerParams).listener
  const instanceId = 'a0000000-0000-4000-8000-000000000001'
  for (const [credentials, expected] of [
    [[key('alices')], { 'x-key': 'alices' }],
    [[key('bobs')], { 'x-key': 'bobs' }],
    [[], {}],
  ] as const) {
    const agent = await gateway.agentAt(toolbox, served, { instanceId, credentials: [...credentials] })
    expect(await agent.call(1)).toHaveProperty('result')
    // The session is made with them as well as the call.
    const seen = toolbox.seen.splice(0)
    expect(seen.length).toBeGreaterThan(1)
    for (const { headers } of seen) expect(decodeUserHeaders(headers[USER_HEADERS])).toEqual(expected)
  }
  expect(JSON.stringify(gateway.logged)).not.toContain('alices')
})

it('variables go to the toolbox of an isolated server in a header of their own', async () => {
  const token = { kind: 'env' as const, name: 'TOKEN', ciphertext: 'alices\nkey', keyId: 'k' }
  const served = mcpPeer(answerParams).listener
  const agent = await gateway.agentAt(toolbox, served, { sharing: 'isolated', credentials: [token] })
  toolbox.seen.length = 0
  expect(await agent.call(1)).toHaveProperty('result')
  for (const { headers } of toolbox.seen) {
    expect(decodeUserEnv(headers[USER_ENV])).toEqual({ TOKEN: 'alices\nkey' })
    expect(headers).not.toHaveProperty(USER_HEADERS)
  }
})

it('credentials that changed are used from then on, in a session of their own; the one before ends', async () => {
  const agent = await gateway.agentAt(toolbox, mcpPeer(answerParams).listener, { credentials: [key('old')] })
  await agent.call(1)
  const { connection, token } = agent
  const rights = await gateway.rights.load(hash(token))
  gateway.rights.set(
    token,
    rights && { ...rights, connections: [{ ...connection, credentials: [key('new')] }] },
  )
  toolbox.seen.length = 0
  await expect
    .poll(async () => {
      await agent.call(2)
      return toolbox.seen.map(({ headers }) => decodeUserHeaders(headers[USER_HEADERS])['x-key'])
    })
    .toContain('new')
  const ended = () =>
    toolbox.seen
      .filter(({ method }) => method === 'DELETE')
      .map(({ headers }) => decodeUserHeaders(headers[USER_HEADERS])['x-key'])
  await expect.poll(ended).toEqual(['old'])
  gateway.rights.set(token, rights && { ...rights, connections: [] })
  // The change is seen by the first request after the next look at the version of the rights.
  await expect.poll(() => agent.call(3).then(ended)).toEqual(['old', 'new'])
})
