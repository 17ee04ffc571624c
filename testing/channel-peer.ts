import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CallToolRequestSchema,
  ElicitResultSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'

/** A server of the SDK that asks and tells on the streams of its sessions, and not on those of the requests that it works on. */
export interface ChannelPeer {
  listener: RequestListener
  tools: { name: string; inputSchema: { type: 'object' } }[]
  /** Streams that clients hold open (GET). */
  readonly streams: number
  /** Requests for streams, refused ones among them. */
  readonly gets: number
  /** Sessions that no client has ended, with the resources that each subscribed to. */
  readonly sessions: ReadonlyMap<string, { server: Server; subscribed: ReadonlySet<string> }>
  /** Asks the client of a session something, outside of any request of it. */
  ask(sessionId: string): Promise<unknown>
  /** Breaks every stream. */
  cut(): void
  /** Tools that wait. */
  readonly waiting: number
  /** Lets them end. */
  release(): void
}

const QUESTION = {
  method: 'elicitation/create',
  params: { message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
} as const

/** Tools: `ask` asks the client and answers with what it said; `wait` tells of progress and waits for `release`. */
export function createChannelPeer(options: { refuseStreams?: 404 | 405 } = {}): ChannelPeer {
  const sessions = new Map<
    string,
    { server: Server; transport: StreamableHTTPServerTransport; subscribed: Set<string> }
  >()
  const streams = new Set<ServerResponse>()
  let gets = 0
  let waiting = 0
  let released = Promise.withResolvers<void>()
  const tools = ['ask', 'wait', 'plain'].map((name) => ({ name, inputSchema: { type: 'object' as const } }))

  const ask = (server: Server) => server.request(QUESTION, ElicitResultSchema)

  async function open(): Promise<StreamableHTTPServerTransport> {
    const subscribed = new Set<string>()
    const server = new Server(
      { name: 'channel-peer', version: '1' },
      { capabilities: { tools: {}, resources: { subscribe: true } } },
    )
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { server, transport, subscribed }),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }))
    server.setRequestHandler(ListResourcesRequestSchema, () => ({
      resources: [{ uri: 'test://one', name: 'one' }],
    }))
    server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
      subscribed.add(params.uri)
      return {}
    })
    server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
      subscribed.delete(params.uri)
      return {}
    })
    server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
      const text = (value: unknown) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] })
      if (params.name === 'plain') return text('plain')
      if (params.name === 'ask') return text(await ask(server).catch((error: Error) => error.message))
      const progressToken = params._meta?.progressToken
      if (progressToken !== undefined)
        await server.notification({
          method: 'notifications/progress',
          params: { progressToken, progress: 1, message: String(params.arguments?.label) },
        })
      waiting++
      await released.promise
      waiting--
      return text('released')
    })
    await server.connect(transport)
    return transport
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      gets++
      if (options.refuseStreams !== undefined) return void response.writeHead(options.refuseStreams).end()
    }
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (id !== undefined && known === undefined) return void response.writeHead(404).end()
    if (request.method === 'GET') {
      streams.add(response)
      response.once('close', () => streams.delete(response))
    }
    await (known?.transport ?? (await open())).handleRequest(request, response)
  }

  return {
    listener: (request, response) => void handle(request, response).catch(() => response.destroy()),
    tools,
    sessions,
    get streams() {
      return streams.size
    },
    get waiting() {
      return waiting
    },
    get gets() {
      return gets
    },
    async ask(sessionId) {
      const session = sessions.get(sessionId)
      if (session === undefined) throw new Error('There is no such session.')
      return ask(session.server)
    },
    cut() {
      for (const stream of streams) stream.destroy()
    },
    release() {
      released.resolve()
      released = Promise.withResolvers<void>()
    },
  }
}
