import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Redis } from 'ioredis'
import { DEFAULT_SETTINGS } from '#contracts/connection-settings.ts'
import type { GatewayConnection, GatewayRights } from '#contracts/gateway.ts'
import type { ToolDefinition } from '#contracts/probe.ts'
import { createGateway, type Gateway, type GatewayInput } from '#gateway/create-gateway.ts'
import type { RightsStore } from '#gateway/rights-cache.ts'
import { createIdentity, type Identity } from '#protocol/identity.ts'
import type { ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

/** Rights that a test changes at will; `down` makes the store unreachable. */
export interface TestRights extends RightsStore<GatewayRights> {
  down: boolean
  loads: number
  set(token: string, rights: GatewayRights | null): void
}

export function createTestRights(): TestRights {
  const byHash = new Map<string, GatewayRights>()
  let version = 1n
  const store: TestRights = {
    down: false,
    loads: 0,
    set(token, rights) {
      const key = createHash('sha256').update(token).digest('hex')
      if (rights) byHash.set(key, rights)
      else byHash.delete(key)
      version++
    },
    async load(tokenHash) {
      store.loads++
      if (store.down) throw new Error('down')
      return byHash.get(tokenHash.toString('hex')) ?? null
    },
    async readVersion() {
      if (store.down) throw new Error('down')
      return version
    },
  }
  return store
}

export function newToken(): string {
  return `tba_${randomBytes(32).toString('base64url')}`
}

export function testConnection(
  toolbox: Pick<ToolboxStandIn, 'url' | 'certificate'>,
  input: Partial<GatewayConnection> & { tools: ToolDefinition[] },
): GatewayConnection {
  return {
    id: randomUUID(),
    slug: 'every',
    prefixTools: true,
    serverId: randomUUID(),
    serverName: 'everything',
    serverState: 'running',
    instanceId: randomUUID(),
    toolbox: {
      id: TOOLBOX_ID,
      url: toolbox.url,
      certificate: toolbox.certificate,
      state: 'active',
    },
    ...serverFacts(input.tools),
    ...input,
  }
}

/** What else a connection says of its server: every tool is as it was approved. */
export function serverFacts(tools: readonly ToolDefinition[]) {
  return {
    state: 'connected',
    settings: DEFAULT_SETTINGS,
    transport: 'streamable-http',
    sharing: 'shared',
    era: null,
    serverInfo: null,
    hashes: Object.fromEntries(tools.map(({ name }) => [name, hashOf(name)])),
    pins: tools.map(({ name }) => ({ name, hash: hashOf(name), enabled: true, alias: null })),
    credentials: [],
    missingCredentials: [],
  } satisfies Partial<GatewayConnection>
}
const hashOf = (name: string) => createHash('sha256').update(name).digest('hex')

const TOOLBOX_ID = randomUUID()

export function testAgent(connections: GatewayConnection[]): GatewayRights {
  return {
    agentId: randomUUID(),
    userId: randomUUID(),
    agentName: 'agent',
    callsPerMinute: null,
    maxConcurrent: null,
    via: null,
    expiresAt: null,
    connections,
  }
}

export const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
} as const

type Answer = {
  id: unknown
  result?: unknown
  error?: { code: number; message: string; data: { code: string; retryable: boolean } }
}

/** An agent that speaks HTTP by hand. */
export interface RawAgent {
  token: string
  /** Headers of its session. */
  session: Record<string, string>
  connection: GatewayConnection
  /** `tools/call` of `s__tool`. */
  send: (id: unknown, params?: object, init?: RequestInit) => Promise<Response>
  /** The same, for answers in JSON. */
  call: (id?: unknown, params?: object) => Promise<Answer>
}

export interface TestGateway extends Gateway {
  rights: TestRights
  identity: Identity
  origin: string
  /** Lines at levels above debug. */
  logged: unknown[]
  /** One raw POST under the address with the token. */
  post(token: string, body: unknown, headers?: Record<string, string>, init?: RequestInit): Promise<Response>
  /** A session made by hand; answers its id. */
  session(token: string): Promise<string>
  /** An agent with one tool, `tool` (as `s__tool`), at what serves it. */
  agentAt(
    toolbox: ToolboxStandIn,
    served: string | RequestListener,
    change?: Partial<GatewayConnection>,
  ): Promise<RawAgent>
  /** The official SDK's client, connected as an agent. */
  connect(
    token: string,
    agentId?: string,
    clientOptions?: ClientOptions,
  ): Promise<{ client: Client; transport: StreamableHTTPClientTransport }>
}

/** A gateway on a free port over the given Redis, with rights in memory. */
export async function startTestGateway(
  redisUrl: string,
  options: Partial<
    Pick<
      GatewayInput,
      | 'port'
      | 'publicUrls'
      | 'requestCheck'
      | 'callTimeoutMs'
      | 'upstreamIdleMs'
      | 'channelIdleMs'
      | 'reapEveryMs'
      | 'rights'
      | 'openCredentials'
      | 'identity'
      | 'logCalls'
      | 'callsPerMinute'
      | 'metricsToken'
    >
  > = {},
): Promise<TestGateway> {
  const identity = options.identity ?? (await createIdentity('gateway'))
  const rights = createTestRights()
  const redis = quiet(new Redis(redisUrl, { maxRetriesPerRequest: 1 }))
  const logged: unknown[] = []
  const log = (...entry: unknown[]) => void logged.push(entry)
  const gateway = await createGateway({
    host: '127.0.0.1',
    port: 0,
    publicUrls: ['http://localhost:3100', 'http://localhost:3000'],
    pagesUrl: 'http://localhost:3000',
    rights,
    // Sealed by nobody here: what stands for the ciphertext is the value.
    openCredentials: ({ credentials }) => {
      const of = (wanted: 'env' | 'header') =>
        credentials.flatMap(({ kind, name, ciphertext }) => (kind === wanted ? [[name, ciphertext]] : []))
      return { env: Object.fromEntries(of('env')), headers: Object.fromEntries(of('header')) }
    },
    touchAgent: async () => {},
    redis,
    subscriber: quiet(new Redis(redisUrl, { maxRetriesPerRequest: null })),
    keyPrefix: 'test:gateway',
    identity,
    logger: { debug: log, info: log, warn: log, error: log },
    ...options,
  })
  const origin = `http://127.0.0.1:${gateway.port}`
  const post = (token: string, body: unknown, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    fetch(`${origin}/t/${token}/mcp`, {
      ...init,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  async function session(token: string): Promise<string> {
    const response = await post(token, INITIALIZE)
    return response.headers.get('mcp-session-id') ?? ''
  }
  return {
    ...gateway,
    post,
    session,
    async agentAt(toolbox, served, change) {
      const tools = [{ name: 'tool', inputSchema: { type: 'object' as const } }]
      const connection = testConnection(toolbox, { tools, slug: 's', ...change })
      if (connection.instanceId !== null) toolbox.instances.set(connection.instanceId, served)
      const token = newToken()
      rights.set(token, testAgent([connection]))
      const headers = { 'mcp-session-id': await session(token) }
      const send: RawAgent['send'] = (id, params = {}, init = {}) =>
        post(
          token,
          { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 's__tool', ...params } },
          headers,
          init,
        )
      const call: RawAgent['call'] = async (id = 1, params = {}) =>
        (await (await send(id, params)).json()) as Answer
      return { token, session: headers, connection, send, call }
    },
    rights,
    identity,
    origin,
    logged,
    async connect(token, agentId, clientOptions) {
      const url = new URL(agentId === undefined ? `/t/${token}/mcp` : `/agents/${agentId}/mcp`, origin)
      const headers = new Headers(agentId === undefined ? [] : [['authorization', `Bearer ${token}`]])
      const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } })
      const client = new Client({ name: 'test', version: '1' }, clientOptions)
      await client.connect(transport)
      return { client, transport }
    },
    async close(graceMs) {
      await gateway.close(graceMs)
      redis.disconnect()
    },
  }
}

function quiet(redis: Redis): Redis {
  redis.on('error', () => {
    // Some tests take Redis away.
  })
  return redis
}
