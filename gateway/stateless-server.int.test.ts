import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createIdentity } from '#protocol/identity.ts'
import { TOOLS } from '#testing/conformance/fixture.ts'
import { type ConformanceFixture, startConformanceFixture } from '#testing/conformance/start-fixture.ts'
import { newToken, startTestGateway, type TestGateway, testAgent, testConnection } from '#testing/gateway.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let toolbox: ToolboxStandIn
let replicas: [TestGateway, TestGateway]
const fixtures: ConformanceFixture[] = []

beforeAll(async () => {
  const identity = await createIdentity('gateway')
  ;[redis, toolbox] = await Promise.all([createTestRedis(), startToolboxStandIn(identity.certificate)])
  const one = await startTestGateway(redis.url, { identity })
  replicas = [one, await startTestGateway(redis.url, { identity, rights: one.rights })]
})
afterAll(async () => {
  await Promise.all(replicas.map((gateway) => gateway.close(0)))
  await Promise.all([toolbox.stop(), redis.stop(), ...fixtures.map((fixture) => fixture.stop())])
})

/** An agent of the era of sessions whose only server is of one kind; it fills in forms. */
async function agentOf(options: { sessions: boolean }) {
  const fixture = await startConformanceFixture(0, options)
  fixtures.push(fixture)
  const tools = TOOLS.map(({ definition }) => definition)
  const connection = testConnection(toolbox, { tools, prefixTools: false })
  toolbox.instances.set(connection.instanceId ?? '', fixture.url)
  const token = newToken()
  replicas[0].rights.set(token, testAgent([connection]))
  return token
}

/** Its answers to what servers ask go to `answersTo`. */
async function connect(token: string, answersTo: TestGateway): Promise<Client> {
  const [first] = replicas
  const client = new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, () => ({
    action: 'accept',
    content: { username: 'ada', email: 'ada@example.test' },
  }))
  const transport = new StreamableHTTPClientTransport(new URL(`${first.origin}/t/${token}/mcp`), {
    fetch: (url, init) => {
      const isAnswer = typeof init?.body === 'string' && !('method' in JSON.parse(init.body))
      const to = isAnswer ? String(url).replace(first.origin, answersTo.origin) : url
      return fetch(to, init)
    },
  })
  await client.connect(transport)
  return client
}

describe.each([
  ['that keeps sessions', { sessions: true }],
  ['of the stateless era alone', { sessions: false }],
])('a server %s', (_, options) => {
  it.each([0, 1] as const)(
    'asks the agent in the middle of a call, answered at replica %i',
    async (index) => {
      const client = await connect(await agentOf(options), replicas[index])
      const form = { name: 'test_elicitation', arguments: { message: 'Who are you?' } }
      expect(JSON.stringify((await client.callTool(form)).content)).toContain('ada@example.test')
      await client.close()
    },
  )

  it('lists, reads and answers', async () => {
    const client = await connect(await agentOf(options), replicas[0])
    expect((await client.listTools()).tools.length).toBe(TOOLS.length)
    expect((await client.listPrompts()).prompts).not.toEqual([])
    const { resources } = await client.listResources()
    const uri = resources[0]?.uri ?? ''
    expect((await client.readResource({ uri })).contents).not.toEqual([])
    const answer = await client.callTool({ name: 'test_simple_text', arguments: {} })
    expect(JSON.stringify(answer.content)).toContain('simple text response')
    await client.close()
  })
})
