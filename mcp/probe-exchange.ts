import type { Dispatcher } from 'undici'
import {
  classifyMessage,
  isRpcFailure,
  parseRpcMessage,
  RPC_METHOD_NOT_FOUND,
  type RpcMessage,
  type RpcRequest,
  type RpcResponse,
  rpcFailure,
  rpcResult,
} from './json-rpc.ts'
import { ProbeError } from './probe-error.ts'
import { readSse, SseTooLargeError } from './sse.ts'

/** Bodies of all answers of one probe together; a list of tools is far below. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** How much of an answer that is none to the request is read, to find an error in it. */
const MAX_ERROR_BYTES = 64 * 1024
/** A stream that broke off is taken up again so often, after the pause that the server asked for, but not longer than that. */
const MAX_RESUMES = 5
const MAX_PAUSE_MS = 10_000

/** How a probe reaches the server, and how much it may still read. */
export interface ProbeWay {
  url: URL
  /** With every request to `url`, and to nothing else. */
  headers: Readonly<Record<string, string>>
  dispatcher: Dispatcher
  budget: { bytes: number }
}

export function newBudget(): ProbeWay['budget'] {
  return { bytes: MAX_ANSWER_BYTES }
}

/** One HTTP answer, as far as verdicts need it. */
export interface Heard {
  status: number
  contentType: string | null
  wwwAuthenticate: string | null
  location: string | null
  sessionId: string | null
  /** The answer to the request; null when there was none in what came. */
  response: RpcResponse | null
  /** Beginning of an answer that has no event stream. */
  text: string
}

type Headers = Readonly<Record<string, string>>

/** POSTs a message. For a request it reads until its response. Throws ProbeError, the signal's reason, or what undici throws. */
export async function post(
  way: ProbeWay,
  message: RpcMessage,
  headers: Headers,
  signal: AbortSignal,
): Promise<Heard> {
  const answer = await send(way, 'POST', headers, signal, JSON.stringify(message))
  const awaited = 'method' in message && 'id' in message ? message : null
  if (!isStream(answer.heard) || answer.heard.status >= 300 || awaited === null) {
    const ok = answer.heard.status < 300 && awaited !== null
    const text = await readText(way, answer.body, ok ? MAX_ANSWER_BYTES : MAX_ERROR_BYTES)
    return { ...answer.heard, text, response: responseIn(text, awaited) }
  }
  for (let resumed = 0; ; resumed++) {
    const { response, lastEventId, pauseMs } = await readStream(way, answer.body, awaited, headers, signal)
    if (response !== null) return { ...answer.heard, response }
    if (lastEventId === null || resumed === MAX_RESUMES)
      throw new ProbeError({
        code: 'UPSTREAM_UNAVAILABLE',
        message: 'The server closed the connection without an answer.',
        httpStatus: answer.heard.status,
      })
    await pause(Math.min(pauseMs, MAX_PAUSE_MS), signal)
    const next = await send(way, 'GET', { ...headers, 'last-event-id': lastEventId }, signal)
    if (!isStream(next.heard) || next.heard.status >= 300) {
      next.body.destroy()
      return { ...next.heard, response: null }
    }
    answer.body = next.body
  }
}

/** Ends a session; what the server says to it does not matter. */
export async function sendDelete(way: ProbeWay, headers: Headers, signal: AbortSignal): Promise<void> {
  const { body } = await send(way, 'DELETE', headers, signal)
  await body.dump()
}

async function send(
  way: ProbeWay,
  method: 'POST' | 'GET' | 'DELETE',
  headers: Headers,
  signal: AbortSignal,
  sent?: string,
): Promise<{ heard: Heard; body: Dispatcher.ResponseData['body'] }> {
  const {
    statusCode,
    headers: said,
    body,
  } = await way.dispatcher.request({
    origin: way.url.origin,
    path: way.url.pathname + way.url.search,
    method,
    headers: {
      'user-agent': 'toolberth',
      ...way.headers,
      accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
      ...(sent !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: sent ?? null,
    signal,
  })
  // A body that is not read to its end breaks off, and is no fault then.
  body.on('error', () => {})
  return {
    heard: {
      status: statusCode,
      contentType: first(said['content-type']),
      wwwAuthenticate: first(said['www-authenticate']),
      location: first(said.location),
      sessionId: first(said['mcp-session-id']),
      response: null,
      text: '',
    },
    body,
  }
}

async function readStream(
  way: ProbeWay,
  body: AsyncIterable<Uint8Array>,
  awaited: RpcRequest,
  headers: Headers,
  signal: AbortSignal,
) {
  let lastEventId: string | null = null
  let pauseMs = 1000
  try {
    for await (const { data, id, retry } of readSse(counted(way, body), {
      maxEventChars: MAX_ANSWER_BYTES,
    })) {
      if (id !== null && id !== '') lastEventId = id
      if (retry !== null) pauseMs = retry
      const parsed = data === '' ? null : parseRpcMessage(data)
      if (parsed?.kind === 'response' && parsed.message.id === awaited.id)
        return { response: parsed.message, lastEventId, pauseMs }
      if (parsed?.kind === 'request') await answerServer(way, parsed.message, headers, signal)
    }
  } catch (error) {
    if (error instanceof SseTooLargeError) throw tooLarge()
    // What is sent again when asked for is not lost with the connection.
    if (error instanceof ProbeError || signal.aborted || lastEventId === null) throw error
  }
  return { response: null, lastEventId, pauseMs }
}

/** A client without capabilities knows `ping` alone. */
async function answerServer(
  way: ProbeWay,
  { id, method }: RpcRequest,
  headers: Headers,
  signal: AbortSignal,
) {
  const said =
    method === 'ping'
      ? rpcResult(id, {})
      : rpcFailure(id, RPC_METHOD_NOT_FOUND, 'This client does not offer it.')
  const { body } = await send(way, 'POST', headers, signal, JSON.stringify(said))
  await body.dump()
}

async function readText(
  way: ProbeWay,
  body: Dispatcher.ResponseData['body'],
  maxBytes: number,
): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of counted(way, body)) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > maxBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8')
}

async function* counted(way: ProbeWay, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    way.budget.bytes -= chunk.byteLength
    if (way.budget.bytes < 0) throw tooLarge()
    yield chunk
  }
}

function responseIn(text: string, awaited: RpcRequest | null): RpcResponse | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  // The first revisions allowed to answer in a batch of one.
  for (const one of Array.isArray(value) ? value : [value]) {
    const parsed = classifyMessage(one)
    if (parsed?.kind !== 'response') continue
    const { message } = parsed
    if (message.id === awaited?.id || (isRpcFailure(message) && message.id === null)) return message
  }
  return null
}

export function isStream({ contentType }: Pick<Heard, 'contentType'>): boolean {
  return contentType?.toLowerCase().startsWith('text/event-stream') === true
}

function tooLarge(): ProbeError {
  return new ProbeError({
    code: 'PROTOCOL_ERROR',
    message: 'The answers of the server are larger than 16 MiB.',
  })
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>()
  const stop = () => over.reject(signal.reason)
  const timer = setTimeout(over.resolve, ms)
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    await over.promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

function first(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null
}
