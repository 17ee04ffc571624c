import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createIdentity } from '#protocol/identity.ts'
import { TOOLS } from '#testing/conformance/fixture.ts'
import { type ConformanceFixture, startConformanceFixture } from '#testing/conformance/start-fixture.ts'
import { newToken, startTestGateway, type TestGateway, testAgent, testConnection } from '#testing/gateway.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let fixture: ConformanceFixture
let toolbox: ToolboxStandIn
let gateway: TestGateway
const asked: string[] = []

beforeAll(async () => {
  const identity = await createIdentity('gateway')
  ;[redis, fixture, toolbox] = await Promise.all([
    createTestRedis(),
    startConformanceFixture(),
    startToolboxStandIn(identity.certificate),
  ])
  gateway = await startTestGateway(redis.url, {
    identity,
    requestCheck: async (serverId) => void asked.push(serverId),
  })
})
afterAll(async () => {
  await gateway.close(0)
  await Promise.all([toolbox.stop(), fixture.stop(), redis.stop()])
})

it('F31: what a server says of its tools reaches open sessions, and has its record brought up to date', async () => {
  const tools = TOOLS.map(({ definition }) => definition)
  const connection = testConnection(toolbox, { tools, prefixTools: false })
  toolbox.instances.set(connection.instanceId ?? '', fixture.url)
  const token = newToken()
  gateway.rights.set(token, testAgent([connection]))
  const { client } = await gateway.connect(token)
  let heard = 0
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    heard++
  })
  const before = heard
  await expect
    .poll(async () => {
      // Until the gateway listens to the server, nobody hears it; a real change is seen by the next test of the connection.
      await client.callTool({ name: 'test_trigger_tool_change', arguments: {} })
      return heard > before && asked.includes(connection.serverId)
    })
    .toBe(true)
  await client.close()
})
