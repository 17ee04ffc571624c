import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { RequestListener } from 'node:http'
import type { Readable, Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStdioBridge, type StdioBridge } from '#mcp/stdio-bridge.ts'
import { createIdentity } from '#protocol/identity.ts'
import { EVERYTHING } from '#testing/everything-server.ts'
import { startTestGateway, type TestGateway } from '#testing/gateway.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { statelessAgent } from '#testing/stateless-agent.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let toolbox: ToolboxStandIn
let gateway: TestGateway
let child: ChildProcessByStdio<Writable, Readable, null>
let bridge: StdioBridge
const tools = ['echo', 'trigger-long-running-operation'].map((name) => ({
  name,
  inputSchema: { type: 'object' as const },
}))

beforeAll(async () => {
  const identity = await createIdentity('gateway')
  ;[redis, toolbox] = await Promise.all([createTestRedis(), startToolboxStandIn(identity.certificate)])
  gateway = await startTestGateway(redis.url, { identity })
  child = spawn(process.execPath, [EVERYTHING, 'stdio'], { stdio: ['pipe', 'pipe', 'ignore'] })
  bridge = createStdioBridge({
    stdin: child.stdin,
    stdout: child.stdout,
    clientInfo: { name: 'bridge', version: '1' },
    onChatter: () => {},
  })
  await bridge.initialize(30_000)
})
afterAll(async () => {
  await gateway.close(0)
  bridge.close('The test is over.')
  child.kill('SIGKILL')
  await Promise.all([toolbox.stop(), redis.stop()])
})

const bridged: RequestListener = (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { method = 'GET', headers } = request
    void bridge.handle({ method, headers, body: Buffer.concat(chunks) }, response)
  })
}

describe('a stdio server behind the bridge of a toolbox', () => {
  it('answers two agents with equal ids and progress tokens apart', async () => {
    const agents = await Promise.all([
      gateway.agentAt(toolbox, bridged, { tools }),
      gateway.agentAt(toolbox, bridged, { tools }),
    ])
    const echoes = await Promise.all(
      agents.map(({ call }, index) => call(1, { name: 's__echo', arguments: { message: `agent ${index}` } })),
    )
    expect(echoes.map((answer) => JSON.stringify(answer))).toEqual([
      expect.stringContaining('Echo: agent 0'),
      expect.stringContaining('Echo: agent 1'),
    ])
    const long = await Promise.all(
      agents.map(async ({ send }, index) => {
        const params = {
          name: 's__trigger-long-running-operation',
          arguments: { duration: 0.3, steps: index + 2 },
          _meta: { progressToken: 'same' },
        }
        return (await send('same', params)).text()
      }),
    )
    expect(long.map((text) => text.match(/"progressToken":"same"/g)?.length)).toEqual([2, 3])
    expect(long.every((text) => text.includes('"id":"same"'))).toBe(true)
  })

  it('serves an agent without a session', async () => {
    const { token } = await gateway.agentAt(toolbox, bridged, { tools })
    const agent = statelessAgent(gateway, token)
    const call = { name: 's__trigger-long-running-operation', arguments: { duration: 0.3, steps: 2 } }
    const { last, told } = await agent.ask('tools/call', call, { meta: { progressToken: 'mine' } })
    expect(last.result).toMatchObject({ resultType: 'complete', content: [{ type: 'text' }] })
    expect(told.map(({ params }) => params?.progressToken)).toEqual(['mine', 'mine'])
    const { result } = (await agent.ask('server/discover')).last
    expect(result).toMatchObject({ supportedVersions: ['2026-07-28'], capabilities: { prompts: {} } })
  })

  it('is told when an agent gives a call up', async () => {
    const { send, connection } = await gateway.agentAt(toolbox, bridged, { tools })
    const posts = () => toolbox.seen.filter(({ instanceId }) => instanceId === connection.instanceId).length
    const controller = new AbortController()
    const params = { name: 's__trigger-long-running-operation', arguments: { duration: 60, steps: 2 } }
    const sent = send(1, params, { signal: controller.signal }).catch(String)
    // initialize, initialized, the call; then its cancellation.
    await expect.poll(posts).toBe(3)
    controller.abort()
    expect(await sent).toContain('abort')
    await expect.poll(posts).toBe(4)
  })

  it('says so when the server exits during a call', async () => {
    const { call, connection } = await gateway.agentAt(toolbox, bridged, { tools })
    const posts = () => toolbox.seen.filter(({ instanceId }) => instanceId === connection.instanceId).length
    expect((await call(0, { name: 's__echo', arguments: { message: 'x' } })).result).toBeDefined()
    const params = { name: 's__trigger-long-running-operation', arguments: { duration: 60, steps: 2 } }
    const answer = call(1, params)
    await expect.poll(posts).toBe(4)
    child.kill('SIGKILL')
    expect((await answer).error?.message).toContain('closed its output')
  })
})
