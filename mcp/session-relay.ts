import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import {
  classifyMessage,
  parseRpcMessage,
  RPC_CONNECTION_CLOSED,
  RPC_INVALID_REQUEST,
  RPC_PARSE_ERROR,
  type RpcId,
  type RpcRequest,
} from './json-rpc.ts'
import type { OpenChannel, RelayUser } from './relay-channel.ts'
import { createRelayPeers, type OpenPeer, type RelayPeers } from './relay-peers.ts'
import { type ClientReply, createReply, openGetStream, refuse } from './relay-reply.ts'
import { createRelaySession, type RelaySession } from './relay-session.ts'
import { STATELESS_VERSION } from './stateless.ts'
import { isSessionVersion } from './versions.ts'

export type RelayRequest = {
  method: string
  headers: IncomingHttpHeaders
  user: RelayUser
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
  /** What is thrown when there is no room for another, where more than their number decides. */
  full?: () => Error | null
  /** For requests of the stateless era; they are refused without. */
  openPeer?: OpenPeer
  /** Milliseconds without a request or stream after which a session ends. */
  idleMs: number
  /** Milliseconds after which it ends as soon as no request waits. */
  lifetimeMs?: number
  /** Longest a single request may wait. */
  requestTimeoutMs: number
  maxInFlight: number
}

/** A session, or the server of a user without one. `free`: no request waits, though a stream may be open. */
type Held = { idle: boolean; free: boolean; usedAt: number; openedAt: number; end: (reason: string) => void }

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
  const sweeper = setInterval(sweep, Math.min(30_000, options.idleMs))
  sweeper.unref()
  const peers =
    options.openPeer === undefined
      ? null
      : createRelayPeers({
          open: options.openPeer,
          requireRoom() {
            const reason = makeRoom()
            if (reason !== null) throw reason instanceof Error ? reason : new Error(reason)
          },
        })

  /** All that is open, whichever era it is of. */
  function all(): Held[] {
    const without = (peers?.entries() ?? []).map((entry) => {
      const idle = entry.peer.isIdle()
      const { openedAt, peer } = entry
      return { idle, free: idle, usedAt: peer.lastUsedAt(), openedAt, end: () => entry.end() }
    })
    const withSession = [...sessions.values()].map((session) => ({
      idle: session.isIdle(),
      free: session.isFree(),
      usedAt: session.lastUsedAt(),
      openedAt: session.openedAt,
      end: (reason: string) => session.end(reason),
    }))
    return [...without, ...withSession]
  }

  function sweep(): void {
    const now = Date.now()
    const youngest = now - (options.lifetimeMs ?? Number.POSITIVE_INFINITY)
    for (const one of all()) {
      if (one.idle && one.usedAt < now - options.idleMs) one.end('The session was idle for too long.')
      else if (one.free && one.openedAt < youngest) one.end('The session was open for too long.')
    }
  }

  /** When all are in use, the one idle for longest makes room; its client gets 404 and initialises again. Null: there is room. */
  function makeRoom(): string | Error | null {
    for (;;) {
      const count = sessions.size + opening + (peers?.size() ?? 0)
      const reason =
        count >= options.maxSessions ? 'Too many sessions are open; try later.' : (options.full?.() ?? null)
      if (reason === null) return null
      const [oldest] = all()
        .filter(({ idle }) => idle)
        .sort((a, b) => a.usedAt - b.usedAt)
      if (oldest === undefined) return reason
      oldest.end('Another session needed the room.')
    }
  }

  async function initialize(request: RelayRequest, id: RpcId, message: RpcRequest, response: ServerResponse) {
    if (request.headers['mcp-session-id'] !== undefined)
      return refuse(response, 400, id, RPC_INVALID_REQUEST, 'This session is initialised already.')
    if (closed !== null) return refuse(response, 503, id, RPC_CONNECTION_CLOSED, closed)
    const full = makeRoom()
    if (full instanceof Error) throw full
    if (full !== null) return refuse(response, 503, id, RPC_CONNECTION_CLOSED, full)
    opening++
    let session: RelaySession
    try {
      session = await createRelaySession({
        open: options.open,
        user: request.user,
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

  /** Answers whether it was served. */
  async function withoutSession(to: RelayPeers, request: RelayRequest, response: ServerResponse) {
    const parsed = request.method === 'POST' ? parseRpcMessage(request.body.toString('utf8')) : null
    if (parsed?.kind === 'request' && closed === null)
      return to.serve(request.user, parsed.message, request.headers, response)
    // There is nothing that a notification could be about: a request is taken back by the end of its stream.
    if (parsed?.kind !== 'notification') return false
    response.writeHead(202).end()
    return true
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
    // Another's session is as good as none.
    if (session?.user.key === request.user.key) return session
    refuse(response, 404, id, RPC_SESSION_NOT_FOUND, 'Session not found.')
    return null
  }

  return {
    async handle(request, response) {
      const version = request.headers['mcp-protocol-version']
      if (version === STATELESS_VERSION && peers !== null && (await withoutSession(peers, request, response)))
        return
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
    sessions: () => sessions.size + (peers?.size() ?? 0),
    close(reason) {
      closed = reason
      clearInterval(sweeper)
      for (const one of all()) one.end(reason)
    },
  }
}
