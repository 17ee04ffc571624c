import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRpcMessage, type RpcParams } from '#mcp/json-rpc.ts'
import { buildParamHeaders, paramHeaders } from '#mcp/param-headers.ts'
import { probeMcp } from '#mcp/probe.ts'
import { createSseParser } from '#mcp/sse.ts'
import { envelopeOf, HEADER_VERSION, STATELESS_VERSION, standardHeaders } from '#mcp/stateless.ts'
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

type Result = Record<string, unknown>
type Tool = { name: string; inputSchema: Result }
/** An agent of one of the eras, as far as scenarios need one. */
interface Agent {
  request(method: string, params?: RpcParams): Promise<Result>
  close(): Promise<void>
}
type Work = (agent: Agent, context: Record<string, unknown>) => Promise<unknown>

/** Probes the suite's server as a deployment does, connects an agent to it, and has the agent do what the scenario asks for. */
async function drive(revision: Revision, { scenario, url, context }: ClientTask): Promise<void> {
  const probe = await probeMcp({ url, timeoutMs: 10_000 })
  if (!probe.ok) throw new Error(probe.failure.message)
  expect(probe.era).toBe(revision === STATELESS_VERSION ? 'modern' : 'legacy')
  const connection = testConnection(toolbox, { tools: probe.tools, prefixTools: false })
  toolbox.instances.set(connection.instanceId ?? '', url)
  const token = newToken()
  gateway.rights.set(token, testAgent([connection]))
  const agent =
    revision === STATELESS_VERSION
      ? modernAgent(token)
      : scenario === 'sse-retry'
        ? await quietAgent(token)
        : await legacyAgent(token, scenario.startsWith('elicitation'))
  try {
    await WORK[scenario]?.(agent, context)
  } finally {
    await agent.close()
  }
}

async function legacyAgent(token: string, elicits: boolean): Promise<Agent> {
  const capabilities = elicits ? { elicitation: { form: { applyDefaults: true } } } : {}
  const { client, transport } = await gateway.connect(token, undefined, { capabilities })
  if (elicits) client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: {} }))
  return {
    async request(method, params = {}) {
      if (method === 'tools/call') return client.callTool(params as never)
      return method === 'tools/list' ? client.listTools() : Promise.reject(new Error(method))
    },
    async close() {
      // The suite's server waits for every stream to end.
      await transport.terminateSession()
      await client.close()
    },
  }
}

/** It opens no stream of its session, so that the server has none but the one that it is asked for again. */
async function quietAgent(token: string): Promise<Agent> {
  const headers = { 'mcp-session-id': await gateway.session(token) }
  return {
    async request(method, params) {
      const response = await gateway.post(token, { jsonrpc: '2.0', id: 1, method, params }, headers)
      const text = await response.text()
      if (!text.includes('"result"')) throw new Error(text)
      return {}
    },
    close: async () => {},
  }
}

function modernAgent(token: string): Agent {
  let id = 0
  const schemas = new Map<unknown, unknown>()
  return {
    async request(method, params = {}) {
      const body = {
        jsonrpc: '2.0',
        id: ++id,
        method,
        params: { ...params, _meta: envelopeOf({ elicitation: { form: {} } }) },
      }
      const headers = { [HEADER_VERSION]: STATELESS_VERSION, ...standardHeaders(method, params) }
      const repeated = buildParamHeaders(paramHeaders(schemas.get(params.name)), params.arguments)
      const response = await gateway.post(token, body, { ...headers, ...repeated })
      const text = await response.text()
      const messages = response.headers.get('content-type')?.startsWith('text/event-stream')
        ? createSseParser({ maxEventChars: 1_000_000 })
            .push(text)
            .map(({ data }) => data)
        : [text]
      for (const message of messages.map(parseRpcMessage))
        if (message?.kind === 'response' && 'result' in message.message) {
          const { result } = message.message
          if (Array.isArray(result.tools))
            for (const tool of result.tools as Tool[]) schemas.set(tool.name, tool.inputSchema)
          return result
        }
      throw new Error(text)
    },
    close: async () => {},
  }
}

const listed = async (agent: Agent) => {
  const { tools } = await agent.request('tools/list')
  return (Array.isArray(tools) ? tools : []) as Tool[]
}
const call = (agent: Agent, name: string, args: Result = {}, more: Result = {}) =>
  agent.request('tools/call', { name, arguments: args, ...more })

/** By scenario: what the agent does after the probe. Those of OAuth are about a client that logs in at servers, which none here does. */
const WORK: Record<string, Work> = {
  initialize: listed,
  tools_call: (agent) => call(agent, 'add_numbers', { a: 2, b: 3 }),
  'sse-retry': (agent) => call(agent, 'test_reconnection'),
  'elicitation-sep1034-client-defaults': (agent) => call(agent, 'test_client_elicitation_defaults'),
  'json-schema-2020-12-preservation': async (agent) => {
    const tool = (await listed(agent)).find(({ name }) => name === 'json_schema_2020_12_tool')
    await call(agent, 'json_schema_echo', { schema: tool?.inputSchema })
  },
  'request-metadata': listed,
  'json-schema-ref-no-deref': listed,
  'http-standard-headers': async (agent) => {
    await call(agent, 'my-hyphenated-tool')
    await agent.request('resources/list')
    await agent.request('resources/read', { uri: 'file:///path/to/file%20name.txt' })
    const { prompts } = await agent.request('prompts/list')
    const [prompt] = prompts as { name: string }[]
    await agent.request('prompts/get', { name: prompt?.name ?? '', arguments: {} })
  },
  'http-custom-headers': async (agent, context) => {
    await listed(agent)
    for (const { name, arguments: args } of context.toolCalls as { name: string; arguments: Result }[])
      await call(agent, name, args)
  },
  'http-invalid-tool-headers': async (agent) => {
    for (const { name } of await listed(agent)) await call(agent, name, { region: 'eu' })
  },
  'sep-2322-client-request-state': async (agent) => {
    for (const name of ['test_mrtr_echo_state', 'test_mrtr_no_state']) {
      const { requestState } = await call(agent, name)
      await call(agent, 'test_mrtr_unrelated')
      const inputResponses = { confirm: { action: 'accept', content: { confirmed: true } } }
      await call(agent, name, {}, { inputResponses, ...(requestState !== undefined && { requestState }) })
    }
    await call(agent, 'test_mrtr_no_result_type')
  },
}

describe.each<[Revision, string[]]>([
  [
    '2025-11-25',
    [
      'initialize',
      'tools_call',
      'elicitation-sep1034-client-defaults',
      'sse-retry',
      'json-schema-2020-12-preservation',
    ],
  ],
  [
    '2026-07-28',
    [
      'tools_call',
      'request-metadata',
      'sep-2322-client-request-state',
      'http-standard-headers',
      'http-custom-headers',
      'http-invalid-tool-headers',
      'json-schema-ref-no-deref',
      'json-schema-2020-12-preservation',
    ],
  ],
])('what %s requires of a client', (revision, scenarios) => {
  let results: Map<string, string[]>
  beforeAll(async () => {
    results = await runClientConformance(revision, scenarios, (task) => drive(revision, task))
  }, 300_000)

  it.each(scenarios)('%s', (scenario) => expect(results.get(scenario)).toEqual([]))
})
