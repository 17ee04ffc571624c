import type { Dispatcher } from 'undici'
import { type ClassifiedMessage, parseRpcMessage, type RpcMessage } from '#mcp/json-rpc.ts'
import { readSse } from '#mcp/sse.ts'
import { readBounded } from '#protocol/bounded-http.ts'
import { UpstreamError } from './error.ts'
import { type AnswerBody, request } from './request.ts'

/** Largest single message from a server: images and files come as base64 inside of results. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024
/** Largest body of an error answer that is read. */
const MAX_ERROR_BYTES = 64 * 1024

/** An MCP endpoint on a toolbox. */
export interface Endpoint {
  dispatcher: Dispatcher
  /** `https://host:port`, without a path. */
  origin: string
  path: string
  /** Sent with every request: whose it is, and what is this user's alone. */
  headers: Readonly<Record<string, string>>
}

/** What a request names of its session; in the stateless era there is none. */
export interface UpstreamSession {
  id: string | null
  protocolVersion: string | null
}

export interface UpstreamAnswer {
  status: number
  sessionId: string | null
  /** `text/event-stream`: messages come one by one. */
  streamed: boolean
  body: AnswerBody
}

/** POSTs one message. Throws what undici throws (the signal's reason among it), and UpstreamError when it cannot be written. */
export async function postMessage(
  endpoint: Endpoint,
  session: UpstreamSession,
  message: RpcMessage,
  signal: AbortSignal,
  headers?: Record<string, string>,
): Promise<UpstreamAnswer> {
  const sent = { ...endpoint.headers, ...MESSAGE_HEADERS, ...headers }
  return send(endpoint, 'POST', withSession(sent, session), signal, { body: serialize(message) })
}

/** Opens the stream of a session, where a server speaks unasked; with an event's id, the one that broke off after that event. */
export async function getStream(
  endpoint: Endpoint,
  session: UpstreamSession,
  signal: AbortSignal,
  lastEventId?: string,
): Promise<UpstreamAnswer> {
  const after = lastEventId !== undefined && { 'last-event-id': lastEventId }
  const sent = { ...endpoint.headers, accept: 'text/event-stream', ...after }
  return send(endpoint, 'GET', withSession(sent, session), signal, {})
}

const MESSAGE_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

async function send(
  endpoint: Endpoint,
  method: 'GET' | 'POST',
  headers: Record<string, string>,
  signal: AbortSignal,
  options: { body?: string },
): Promise<UpstreamAnswer> {
  const answer = await request(endpoint.dispatcher, {
    origin: endpoint.origin,
    path: endpoint.path,
    method,
    headers,
    signal,
    ...options,
  })
  const sessionId = answer.headers['mcp-session-id']
  return {
    status: answer.statusCode,
    sessionId: typeof sessionId === 'string' ? sessionId : null,
    streamed: String(answer.headers['content-type'] ?? '')
      .toLowerCase()
      .startsWith('text/event-stream'),
    body: answer.body,
  }
}

/** Ends a session; what the server says to it does not matter. */
export async function deleteSession(
  endpoint: Endpoint,
  session: UpstreamSession,
  signal: AbortSignal,
): Promise<void> {
  const { body } = await request(endpoint.dispatcher, {
    origin: endpoint.origin,
    path: endpoint.path,
    method: 'DELETE',
    headers: withSession({ ...endpoint.headers }, session),
    signal,
  })
  body.leave()
}

/** Where a stream that breaks off can be taken up again. */
export interface StreamPosition {
  eventId: string | null
  /** Milliseconds that the server wants to be left alone before. */
  retryMs: number
}

/**
 * The messages of a 2xx answer to a request; `position` is kept while they are read. Throws UpstreamError PROTOCOL_ERROR for what
 * is no JSON-RPC.
 */
export async function* readMessages(
  answer: UpstreamAnswer,
  position?: StreamPosition,
): AsyncGenerator<ClassifiedMessage, void, void> {
  if (!answer.streamed) return yield await readOnly(answer)
  for await (const event of readSse(answer.body, { maxEventChars: MAX_MESSAGE_BYTES })) {
    if (position) {
      if (event.id) position.eventId = event.id
      position.retryMs = event.retry ?? position.retryMs
    }
    if (event.event === 'message' && event.data !== '') yield parsed(event.data)
  }
}

/** The one message of an answer that is no stream. Throws UpstreamError PROTOCOL_ERROR like `readMessages`. */
export async function readOnly(answer: UpstreamAnswer): Promise<ClassifiedMessage> {
  const bytes = await answer.body.bytes(MAX_MESSAGE_BYTES)
  if (bytes === null) throw new UpstreamError('PROTOCOL_ERROR', 'the answer is larger than 32 MiB')
  return parsed(bytes.toString('utf8'))
}

/** The beginning of an error answer; the connection can be used again afterwards. */
export async function readErrorBody(answer: UpstreamAnswer): Promise<string> {
  try {
    const bytes = await readBounded(answer.body, { maxBytes: MAX_ERROR_BYTES, timeoutMs: 5000 })
    return bytes.toString('utf8')
  } catch {
    answer.body.destroy()
    return ''
  }
}

/** What can be parsed can be too deep to be written again: the parser needs no stack, the serialiser does. */
function serialize(message: RpcMessage): string {
  try {
    return JSON.stringify(message)
  } catch (error) {
    throw new UpstreamError('BAD_REQUEST', 'the arguments are nested too deeply', { cause: error })
  }
}

function parsed(text: string): ClassifiedMessage {
  const message = parseRpcMessage(text)
  if (message === null) throw new UpstreamError('PROTOCOL_ERROR', 'not JSON-RPC')
  return message
}

function withSession(
  headers: Record<string, string>,
  { id, protocolVersion }: UpstreamSession,
): Record<string, string> {
  if (id !== null) headers['mcp-session-id'] = id
  if (protocolVersion !== null) headers['mcp-protocol-version'] = protocolVersion
  return headers
}
