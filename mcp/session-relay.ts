import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import {
  classifyMessage,
  RPC_CONNECTION_CLOSED,
  RPC_INVALID_REQUEST,
  RPC_PARSE_ERROR,
  type RpcId,
  type RpcRequest,
} from './json-rpc.ts'
import type { OpenChannel } from './relay-channel.ts'
import { type ClientReply, createReply, openGetStream, refuse } from './relay-reply.ts'
import { createRelaySession, type RelaySession } from './relay-session.ts'
import { isSessionVersion } from './versions.ts'

export type RelayRequest = {
  method: string
  headers: IncomingHttpHeaders
  /** Of the user who opens the session; they hold for all of it. */
  userHeaders: Record<string, string>
  /** Read and capped by the caller. */
  body: Buffer
}

export type SessionRelay = {
  /** Serves one streamable-HTTP request (specification 2025-11-25, Transports). Rejects with what `open` rejects with. */
  handle(request: RelayRequest, response: ServerResponse): Promise<void>
  sessions(): number
  close(reason: string): void
}

export type SessionRelayOptions = {
  open: OpenChannel
  maxSessions: number
  /** Milliseconds without a request or stream after which a session ends. */
  idleMs: number
  /** Longest a single request may wait. */
  requestTimeoutMs: number
  maxInFlight: number
}

/** Code that the official SDKs use for an unknown session. */
const RPC_SESSION_NOT_FOUND = -32001

/**
 * Gives each streamable-HTTP session a channel of its own, and passes everything through in both directions: the client's own
 * capabilities, requests of the server, notifications. Sessions share nothing, so their ids need no translation.
 */
export function createSessionRelay(options: SessionRelayOptions): SessionRelay {
  const sessions = new Map<string, RelaySession>()
  let opening = 0
  let closed: string | null = null
  const sweeper = setInterval(
    () => {
      const oldest = Date.now() - options.idleMs
      for (const session of [...sessions.values()])
        if (session.isIdle() && session.lastUsedAt() < oldest)
          session.end('The session was idle for too long.')
    },
    Math.min(30_000, options.idleMs),
  )
  sweeper.unref()

  /** When all are in use, the one idle for longest makes room; its client gets 404 and initialises again. */
  function makeRoom(): boolean {
    if (sessions.size + opening < options.maxSessions) return true
    const [oldest] = [...sessions.values()]
      .filter((session) => session.isIdle())
      .sort((a, b) => a.lastUsedAt() - b.lastUsedAt())
    oldest?.end('Another session needed the room.')
    return oldest !== undefined
  }

  async function initialize(request: RelayRequest, id: RpcId, message: RpcRequest, response: ServerResponse) {
    if (request.headers['mcp-session-id'] !== undefined)
      return refuse(response, 400, id, RPC_INVALID_REQUEST, 'This session is initialised already.')
    if (closed !== null || !makeRoom())
      return refuse(
        response,
        503,
        id,
        RPC_CONNECTION_CLOSED,
        closed ?? 'Too many sessions are open; try later.',
      )
    opening++
    let session: RelaySession
    try {
      session = await createRelaySession({
        open: options.open,
        userHeaders: request.userHeaders,
        requestTimeoutMs: options.requestTimeoutMs,
        maxInFlight: options.maxInFlight,
        onEnd: (ended) => sessions.delete(ended.id),
      })
    } finally {
      opening--
    }
    if (closed !== null || response.destroyed) return session.end(closed ?? 'The client disconnected.')
    sessions.set(session.id, session)
    // Nobody could ever use a session whose first answer did not arrive.
    response.once('close', () => {
      if (!response.writableFinished) session.end('The client disconnected.')
    })
    response.setHeader('mcp-session-id', session.id)
    const reply: ClientReply = createReply(request.headers, response)
    const ok = await session.request(message, reply)
    if (!ok) session.end('The server could not be initialised.')
  }

  async function post(request: RelayRequest, response: ServerResponse): Promise<void> {
    let value: unknown
    try {
      value = JSON.parse(request.body.toString('utf8'))
    } catch {
      return refuse(response, 400, null, RPC_PARSE_ERROR, 'The body is not JSON.')
    }
    const parsed = classifyMessage(value)
    if (parsed === null)
      return refuse(response, 400, null, RPC_INVALID_REQUEST, 'The body is no single JSON-RPC message.')
    const { kind, message } = parsed
    if (kind === 'request' && message.method === 'initialize')
      return initialize(request, message.id, message, response)
    const session = find(request, response, kind === 'request' ? message.id : null)
    if (session === null) return
    if (kind === 'request') {
      await session.request(message, createReply(request.headers, response))
      return
    }
    await session.tell(message).then(
      () => response.writeHead(202).end(),
      (error: Error) => refuse(response, 502, null, RPC_CONNECTION_CLOSED, error.message),
    )
  }

  function find(request: RelayRequest, response: ServerResponse, id: RpcId | null): RelaySession | null {
    const header = request.headers['mcp-session-id']
    if (typeof header !== 'string') {
      refuse(response, 400, id, RPC_CONNECTION_CLOSED, 'The Mcp-Session-Id header is missing.')
      return null
    }
    const session = sessions.get(header)
    if (session === undefined) refuse(response, 404, id, RPC_SESSION_NOT_FOUND, 'Session not found.')
    return session ?? null
  }

  return {
    async handle(request, response) {
      const version = request.headers['mcp-protocol-version']
      if (version !== undefined && !isSessionVersion(version))
        return refuse(response, 400, null, RPC_CONNECTION_CLOSED, 'Unsupported MCP-Protocol-Version.')
      if (request.method === 'POST') return post(request, response)
      if (request.method !== 'GET' && request.method !== 'DELETE') {
        response.setHeader('allow', 'POST, GET, DELETE')
        return refuse(response, 405, null, RPC_CONNECTION_CLOSED, 'Method not allowed.')
      }
      const session = find(request, response, null)
      if (session === null) return
      if (request.method === 'DELETE') {
        session.end('The client ended the session.')
        response.writeHead(204).end()
      } else if (!request.headers.accept?.includes('text/event-stream'))
        refuse(response, 406, null, RPC_CONNECTION_CLOSED, 'Accept must include text/event-stream.')
      else if (session.hasStream())
        refuse(response, 409, null, RPC_CONNECTION_CLOSED, 'This session has its stream already.')
      else session.setStream(openGetStream(response))
    },
    sessions: () => sessions.size,
    close(reason) {
      closed = reason
      clearInterval(sweeper)
      for (const session of [...sessions.values()]) session.end(reason)
    },
  }
}
