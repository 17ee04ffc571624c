import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createIdentity, type Identity } from '#protocol/identity.ts'
import { startTestGateway } from '#testing/gateway.ts'
import { answerParams, mcpPeer } from '#testing/mcp-peer.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let identity: Identity
let toolbox: ToolboxStandIn

beforeAll(async () => {
  identity = await createIdentity('gateway')
  ;[redis, toolbox] = await Promise.all([createTestRedis(), startToolboxStandIn(identity.certificate)])
})
afterAll(async () => {
  await Promise.all([toolbox.stop(), redis.stop()])
})

describe('a gateway that stops', () => {
  it('lets calls finish, ends sessions at servers, and refuses what comes later', async () => {
    const { listener, got } = mcpPeer((message, response) => {
      setTimeout(() => answerParams(message, response), 300)
    })
    const gateway = await startTestGateway(redis.url, { identity })
    const { send } = await gateway.agentAt(toolbox, listener)
    const call = send(1)
    await expect.poll(() => got.at(-1)?.method).toBe('tools/call')
    const closed = gateway.close()
    expect(await (await call).text()).toContain('"result"')
    await closed
    expect(got.at(-1)?.method).toBe('DELETE')
    await expect(send(2)).rejects.toThrow('fetch failed')
  })

  it('does not wait for a call that does not end, nor for an open stream', async () => {
    const { listener, got } = mcpPeer(() => {})
    const gateway = await startTestGateway(redis.url, { identity })
    const { send, token, session } = await gateway.agentAt(toolbox, listener)
    const stream = await fetch(`${gateway.origin}/t/${token}/mcp`, {
      headers: { accept: 'text/event-stream', ...session },
    })
    const call = send(1)
    await expect.poll(() => got.at(-1)?.method).toBe('tools/call')
    await gateway.close(100)
    expect(await (await call).text()).toContain('shutting down')
    expect(await stream.text()).toBe('')
  })
})

describe('a gateway with agents that stay away', () => {
  it('ends their sessions at servers, and makes new ones when they are back', async () => {
    const { listener, got } = mcpPeer(answerParams)
    const gateway = await startTestGateway(redis.url, { identity, upstreamIdleMs: 0, reapEveryMs: 50 })
    const { call } = await gateway.agentAt(toolbox, listener)
    await call()
    await expect.poll(() => got.at(-1)?.method).toBe('DELETE')
    expect((await call()).result).toBeDefined()
    expect(got.filter(({ method }) => method === 'initialize')).toHaveLength(2)
    await gateway.close(0)
  })
})
