import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import {
  classifyMessage,
  isRecord,
  isRpcFailure,
  RPC_CONNECTION_CLOSED,
  RPC_INVALID_PARAMS,
  RPC_INVALID_REQUEST,
  RPC_PARSE_ERROR,
  type RpcId,
  type RpcParams,
  type RpcRequest,
  type RpcResponse,
  rpcFailure,
  rpcNotification,
  rpcResult,
} from './json-rpc.ts'
import { encodeSse, SSE_HEADERS, SSE_KEEPALIVE } from './sse.ts'
import type { StdioChild } from './stdio-bridge-child.ts'
import type { BridgeSession, SessionTable } from './stdio-bridge-sessions.ts'
import { isSessionVersion } from './versions.ts'

/** One HTTP request with its body already read (and capped) by the caller. */
export type BridgeRequest = { method: string; headers: IncomingHttpHeaders; body: Buffer }

/** What the child said about itself; further members are kept as they are. */
export type InitializeResult = Record<string, unknown> & { protocolVersion: string }

/** Shorter than the idle limits of common proxies (60 s) and of undici (300 s). */
const KEEPALIVE_MS = 15_000
/** Code that the official SDKs use for an unknown session. */
const RPC_SESSION_NOT_FOUND = -32001

type Context = {
  child: StdioChild
  sessions: SessionTable
  initializeResult(): InitializeResult | null
  isSubscribed(uri: string): boolean
  maxInFlight: number
  requestTimeoutMs: number
}

/** The streamable-HTTP face of a bridge: POST for messages, GET for the session's own stream, DELETE to end it. */
export function createBridgeHandler(context: Context) {
  return async (request: BridgeRequest, response: ServerResponse): Promise<void> => {
    const version = request.headers['mcp-protocol-version']
    if (version !== undefined && !isSessionVersion(version)) {
      return refuse(response, 400, null, RPC_CONNECTION_CLOSED, 'Unsupported MCP-Protocol-Version.')
    }
    if (request.method === 'POST') return post(context, request, response)
    if (request.method !== 'GET' && request.method !== 'DELETE') {
      response.setHeader('allow', 'POST, GET, DELETE')
      return refuse(response, 405, null, RPC_CONNECTION_CLOSED, 'Method not allowed.')
    }
    const session = findSession(context, request, response, null)
    if (session === null) return
    if (request.method === 'DELETE') {
      context.sessions.end(session)
      response.writeHead(204).end()
    } else openStream(request, response, session)
  }
}

async function post(context: Context, request: BridgeRequest, response: ServerResponse): Promise<void> {
  let value: unknown
  try {
    value = JSON.parse(request.body.toString('utf8'))
  } catch {
    return refuse(response, 400, null, RPC_PARSE_ERROR, 'The body is not JSON.')
  }
  const parsed = classifyMessage(value)
  if (parsed === null) {
    const reason = Array.isArray(value) ? 'Batches are not supported.' : 'The body is no JSON-RPC message.'
    return refuse(response, 400, null, RPC_INVALID_REQUEST, reason)
  }
  const id = parsed.kind === 'request' ? parsed.message.id : null
  if (parsed.kind === 'request' && parsed.message.method === 'initialize') {
    return initialize(context, request, parsed.message, response)
  }
  const session = findSession(context, request, response, id)
  if (session === null) return
  if (parsed.kind === 'request') return forward(context, session, request, parsed.message, response)
  if (parsed.kind === 'notification' && parsed.message.method === 'notifications/cancelled') {
    const { requestId, reason } = parsed.message.params ?? {}
    const waiting = session.inFlight.get(requestId as RpcId)
    waiting?.cancel(typeof reason === 'string' ? reason.slice(0, 1000) : 'The client cancelled the request.')
  }
  // Other notifications speak of one client, and the child is shared; it asked nothing, so there are no answers either.
  response.writeHead(202).end()
}

function initialize(
  context: Context,
  request: BridgeRequest,
  message: RpcRequest,
  response: ServerResponse,
): void {
  const requested = message.params?.protocolVersion
  const result = context.initializeResult()
  if (request.headers['mcp-session-id'] !== undefined) {
    return refuse(response, 400, message.id, RPC_INVALID_REQUEST, 'This session is initialised already.')
  }
  if (typeof requested !== 'string') {
    return refuse(response, 400, message.id, RPC_INVALID_PARAMS, 'params.protocolVersion is missing.')
  }
  if (result === null) {
    return refuse(response, 503, message.id, RPC_CONNECTION_CLOSED, 'The MCP server is still starting.')
  }
  // Versions differ by optional members, so an older client may keep its own; a newer one is offered the child's.
  const older = isSessionVersion(requested) && requested < result.protocolVersion
  const protocolVersion = older ? requested : result.protocolVersion
  const session = context.sessions.open(protocolVersion)
  if (session === null) {
    return refuse(response, 503, message.id, RPC_CONNECTION_CLOSED, 'Too many sessions are open; try later.')
  }
  response.setHeader('mcp-session-id', session.id)
  sendJson(response, 200, rpcResult(message.id, { ...result, protocolVersion }))
}

function findSession(
  context: Context,
  request: BridgeRequest,
  response: ServerResponse,
  id: RpcId | null,
): BridgeSession | null {
  const header = request.headers['mcp-session-id']
  if (typeof header !== 'string') {
    refuse(response, 400, id, RPC_CONNECTION_CLOSED, 'The Mcp-Session-Id header is missing.')
    return null
  }
  const session = context.sessions.get(header)
  if (session === undefined) refuse(response, 404, id, RPC_SESSION_NOT_FOUND, 'Session not found.')
  return session ?? null
}

async function forward(
  context: Context,
  session: BridgeSession,
  request: BridgeRequest,
  message: RpcRequest,
  response: ServerResponse,
): Promise<void> {
  const { id, method, params } = message
  if (session.inFlight.has(id)) {
    return refuse(response, 400, id, RPC_INVALID_REQUEST, 'A request with this id is still running.')
  }
  if (session.inFlight.size >= context.maxInFlight) {
    return refuse(response, 429, id, RPC_CONNECTION_CLOSED, 'Too many requests of this session are running.')
  }
  const uri = typeof params?.uri === 'string' ? params.uri : null
  if (method === 'resources/unsubscribe' && uri !== null) {
    session.subscriptions.delete(uri)
    if (context.isSubscribed(uri)) return sendJson(response, 200, rpcResult(id, {}))
  }
  const meta = params?._meta
  const token = isRecord(meta) ? meta.progressToken : undefined
  const stream = wantsStream(request.headers.accept, token !== undefined) ? startSse(response) : null
  const running = context.child.request(method, params, {
    timeoutMs: context.requestTimeoutMs,
    ...(token === undefined
      ? {}
      : { onProgress: (progress: RpcParams) => stream?.write(progressText(progress, token)) }),
  })
  session.inFlight.set(id, running)
  response.once('close', () => {
    if (!response.writableEnded) running.cancel('The client disconnected.')
  })
  const answer: RpcResponse = { ...(await running.answer), id }
  if (session.inFlight.get(id) === running) session.inFlight.delete(id)
  session.lastUsedAt = Date.now()
  if (method === 'resources/subscribe' && uri !== null && !isRpcFailure(answer))
    session.subscriptions.add(uri)
  if (stream === null) return sendJson(response, 200, answer)
  stream.write(JSON.stringify(answer))
  stream.end()
}

/** JSON is the plain answer; an event stream when there is progress to relay, or when the client reads nothing else. */
function wantsStream(accept: string | undefined, hasProgress: boolean): boolean {
  const text = accept ?? '*/*'
  if (!text.includes('text/event-stream')) return false
  return hasProgress || !(text.includes('application/json') || text.includes('*/*'))
}

function progressText(params: RpcParams, token: unknown): string {
  return JSON.stringify(rpcNotification('notifications/progress', { ...params, progressToken: token }))
}

function openStream(request: BridgeRequest, response: ServerResponse, session: BridgeSession): void {
  if (!request.headers.accept?.includes('text/event-stream')) {
    return refuse(response, 406, null, RPC_CONNECTION_CLOSED, 'Accept must include text/event-stream.')
  }
  if (session.stream !== null) {
    return refuse(response, 409, null, RPC_CONNECTION_CLOSED, 'This session has its stream already.')
  }
  const stream = startSse(response)
  session.stream = stream
  response.once('close', () => {
    if (session.stream === stream) session.stream = null
    session.lastUsedAt = Date.now()
  })
}

function startSse(response: ServerResponse): { write(data: string): void; end(): void } {
  response.writeHead(200, SSE_HEADERS)
  response.flushHeaders()
  const keepalive = setInterval(() => response.write(SSE_KEEPALIVE), KEEPALIVE_MS)
  response.once('close', () => clearInterval(keepalive))
  return {
    write(data) {
      if (response.writable) response.write(encodeSse({ event: 'message', data }))
    },
    end() {
      clearInterval(keepalive)
      response.end()
    },
  }
}

function sendJson(response: ServerResponse, status: number, message: RpcResponse): void {
  if (response.destroyed || response.headersSent) return
  const text = JSON.stringify(message)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

function refuse(
  response: ServerResponse,
  status: number,
  id: RpcId | null,
  code: number,
  message: string,
): void {
  sendJson(response, status, rpcFailure(id, code, message))
}
