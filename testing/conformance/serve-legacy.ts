import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  isInitializeRequest,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  ResultSchema,
  type ServerNotification,
  type ServerRequest,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { CAPABILITIES, complete, findPrompt, findTool, SERVER_INFO, TOOLS } from './fixture.ts'
import { asks, type Change, type FixtureCall, type Questions } from './fixture-call.ts'
import { PROMPTS } from './fixture-prompts.ts'
import { RESOURCES, readResource, TEMPLATES } from './fixture-resources.ts'

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>
type Session = { transport: StreamableHTTPServerTransport; tell(change: Change): void }

export interface LegacyFixture {
  /** `body` is the parsed one, undefined where there is none. */
  handle(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void>
  close(): Promise<void>
}

/** The fixture in the era of sessions (up to 2025-11-25). What one session changes, all hear of. */
export function createLegacyFixture(): LegacyFixture {
  const sessions = new Map<string, Session>()
  const tell = (change: Change) => {
    for (const session of sessions.values()) session.tell(change)
  }

  async function open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { transport, tell: server.tell }),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    const server = buildServer(tell)
    await server.connect(transport)
    return transport
  }

  return {
    async handle(request, response, body) {
      const id = request.headers['mcp-session-id']
      const known = typeof id === 'string' ? sessions.get(id) : undefined
      if (known !== undefined) await known.transport.handleRequest(request, response, body)
      else if (isInitializeRequest(body)) await (await open()).handleRequest(request, response, body)
      else if (id === undefined) refuse(response, 400, 'A session is needed.')
      else refuse(response, 404, 'Session not found.')
    },
    async close() {
      for (const { transport } of sessions.values()) await transport.close()
      sessions.clear()
    },
  }
}

function buildServer(tellAll: (change: Change) => void): Pick<Server, 'connect'> & Pick<Session, 'tell'> {
  const server = new Server(SERVER_INFO, { capabilities: CAPABILITIES })
  const watched = new Set<string>()

  function callOf(args: Record<string, unknown>, extra: Extra): FixtureCall {
    const progressToken = extra._meta?.progressToken
    return {
      args,
      capabilities: server.getClientCapabilities() ?? {},
      answers: {},
      state: undefined,
      header: (name) => extra.requestInfo?.headers[name]?.toString() ?? null,
      log: (data) =>
        extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } }),
      async progress(done) {
        if (progressToken === undefined) return
        await extra.sendNotification({
          method: 'notifications/progress',
          params: { progressToken, progress: done, total: 100 },
        })
      },
      tell: tellAll,
    }
  }

  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: TOOLS.map(({ definition }) => definition),
  }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const tool = findTool(params.name)
    if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${params.name}`)
    return untilAnswered((call) => tool.run(call), callOf(params.arguments ?? {}, extra), extra)
  })
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: PROMPTS.map(({ definition }) => definition),
  }))
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }, extra) => {
    const prompt = findPrompt(params.name)
    if (prompt === undefined) throw new McpError(ErrorCode.InvalidParams, `Unknown prompt: ${params.name}`)
    return untilAnswered((call) => prompt.get(call), callOf(params.arguments ?? {}, extra), extra)
  })
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: RESOURCES }))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: TEMPLATES }))
  server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) => {
    const result = readResource(uri)
    if (result === null) throw new McpError(RESOURCE_NOT_FOUND, 'Resource not found', { uri })
    return result
  })
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    watched.add(params.uri)
    return {}
  })
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    watched.delete(params.uri)
    return {}
  })
  server.setRequestHandler(CompleteRequestSchema, ({ params }) => ({
    completion: complete(params.argument.value),
  }))

  return {
    connect: (transport) => server.connect(transport),
    tell(change) {
      if (!('resource' in change)) {
        void (change.list === 'tools' ? server.sendToolListChanged() : server.sendPromptListChanged())
      } else if (watched.has(change.resource)) {
        void server.sendResourceUpdated({ uri: change.resource })
      }
    },
  }
}

/** Of the specification of 2025-11-25, "Resources", error handling; the SDK has no name for it. */
const RESOURCE_NOT_FOUND = -32002

/** Asks the client with requests of the server on the stream of its own request, round by round. */
async function untilAnswered<T extends object>(
  run: (call: FixtureCall) => T | Questions | Promise<T | Questions>,
  call: FixtureCall,
  extra: Extra,
): Promise<T> {
  for (let round = call; ; ) {
    const outcome = await run(round)
    if (!asks(outcome)) return outcome
    const answers: Record<string, unknown> = {}
    for (const [key, request] of Object.entries(outcome.ask)) {
      answers[key] = await extra.sendRequest(request as ServerRequest, ResultSchema)
    }
    round = { ...call, answers, state: outcome.state }
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32000, message } }))
}
