import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { probeMcp } from '#mcp/probe.ts'
import { createIdentity } from '#protocol/identity.ts'
import { type ClientTask, type Revision, runClientConformance } from '#testing/conformance/run-conformance.ts'
import { newToken, startTestGateway, type TestGateway, testAgent, testConnection } from '#testing/gateway.ts'
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

/** Probes the suite's server as a deployment does, connects an agent to it, and has the agent do what the scenario asks for. */
async function drive({ scenario, url, context }: ClientTask): Promise<void> {
  const work = AGENT_WORK[scenario]
  if (work === undefined) return
  const probe = await probeMcp({ url, timeoutMs: 10_000 })
  if (!probe.ok) throw new Error(probe.failure.message)
  const connection = testConnection(toolbox, { tools: probe.tools, prefixTools: false })
  toolbox.instances.set(connection.instanceId ?? '', url)
  const token = newToken()
  gateway.rights.set(token, testAgent([connection]))
  const { client } = await gateway.connect(token)
  await work(client, context)
  await client.close()
}

type Client = Awaited<ReturnType<TestGateway['connect']>>['client']
/** By scenario; the others are about logging in at servers, which is not offered, or about what only agents do. */
const AGENT_WORK: Record<string, (client: Client, context: Record<string, unknown>) => Promise<unknown>> = {
  initialize: (client) => client.listTools(),
  tools_call: (client) => client.callTool({ name: 'add_numbers', arguments: { a: 2, b: 3 } }),
}

describe.each<[Revision, string[]]>([['2025-11-25', ['initialize', 'tools_call']]])(
  'what %s requires of a client',
  (revision, scenarios) => {
    let results: Map<string, string[]>
    beforeAll(async () => {
      results = await runClientConformance(revision, scenarios, drive)
    })

    it.each(scenarios)('%s', (scenario) => expect(results.get(scenario)).toEqual([]))
  },
)
