import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createIdentity } from '#protocol/identity.ts'
import { TOOLS } from '#testing/conformance/fixture.ts'
import { type Revision, requiredScenarios, runConformance } from '#testing/conformance/run-conformance.ts'
import { startConformanceFixture } from '#testing/conformance/start-fixture.ts'
import { freePort } from '#testing/everything-server.ts'
import { newToken, startTestGateway, type TestGateway, testAgent, testConnection } from '#testing/gateway.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let fixture: Awaited<ReturnType<typeof startConformanceFixture>>
let toolbox: ToolboxStandIn
let gateway: TestGateway
/** The address of an agent whose only server is the fixture, under its own names; the suite cannot send a token in a header. */
let url: string

beforeAll(async () => {
  const identity = await createIdentity('gateway')
  ;[redis, fixture, toolbox] = await Promise.all([
    createTestRedis(),
    startConformanceFixture(),
    startToolboxStandIn(identity.certificate),
  ])
  // The suite calls it as a page of its own origin would.
  const port = await freePort()
  gateway = await startTestGateway(redis.url, { identity, port, publicUrls: [`http://127.0.0.1:${port}`] })
  const tools = TOOLS.map(({ definition }) => definition)
  const connection = testConnection(toolbox, { tools, prefixTools: false })
  toolbox.instances.set(connection.instanceId ?? '', fixture.url)
  const token = newToken()
  gateway.rights.set(token, testAgent([connection]))
  url = `${gateway.origin}/t/${token}/mcp`
})

afterAll(async () => {
  await gateway.close(0)
  await Promise.all([toolbox.stop(), fixture.stop(), redis.stop()])
})

/** Run by the suite without being required: headers are checked all the same. */
const HEADERS = ['http-header-validation', 'http-custom-header-server-validation']

describe.each<[Revision, number, string[]]>([
  ['2025-11-25', 30, []],
  ['2026-07-28', 37, HEADERS],
])('what %s requires of a server', (revision, count, more) => {
  const required = requiredScenarios(revision)
  let results: Map<string, string[]>
  beforeAll(async () => {
    results = await runConformance(url, revision)
  })

  it('is all of it', () => expect(required).toHaveLength(count))
  it.each([...required, ...more])('%s', (scenario) => expect(results.get(scenario)).toEqual([]))
})
