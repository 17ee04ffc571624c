import { setTimeout as sleep } from 'node:timers/promises'
import type { ClassifiedMessage, RpcNotification, RpcRequest, RpcResponse } from '#mcp/json-rpc.ts'
import { parseRpcMessage } from '#mcp/json-rpc.ts'
import { STATELESS_VERSION } from '#mcp/stateless.ts'
import { agentRefusal, asUpstreamError, UpstreamError } from './error.ts'
import {
  type Endpoint,
  getStream,
  postMessage,
  readErrorBody,
  readMessages,
  readOnly,
  type StreamPosition,
  type UpstreamAnswer,
  type UpstreamSession,
} from './http.ts'
import { statusError } from './initialize.ts'

/** A client may think as long as this about what a server asks it, milliseconds; nothing is held for ever. */
const MAX_PAUSE_MS = 10 * 60_000

/** A stream that was closed before the answer is asked for again so often, after the pause the server wants, within bounds. */
const MAX_RESUMES = 10
const DEFAULT_RETRY_MS = 1000
const MAX_RETRY_MS = 30_000

export interface ExchangeInput {
  endpoint: Endpoint
  session: UpstreamSession
  /** Under an id of ours. */
  message: RpcRequest
  headers?: Record<string, string>
  /** Ends the exchange: whoever waits for it is gone. */
  signal: AbortSignal
  /** Milliseconds of silence of the server. */
  timeoutMs: number
  /** The answer comes as a stream. */
  onStream?: () => void
  onNotification?: (message: RpcNotification) => Promise<void> | void
  /** The server asks something before it answers. */
  onRequest?: (message: RpcRequest) => void
  /** True while silence is not the server's: it waits for an answer itself. */
  paused?: () => boolean
  /** Whether the server has spoken about this elsewhere since the last time that it was asked. */
  heard?: () => boolean
  /** Called when the server is given up, by silence or by the signal. */
  onGivenUp?: (reason: string) => void
}

export interface Exchanged {
  response: RpcResponse
  /** HTTP's. */
  status: number
}

/**
 * Sends one request and reads until its response. Answers 'session lost' when the server refuses the session, so that it did not
 * run the request. Throws UpstreamError, or the signal's reason.
 */
export async function exchange(input: ExchangeInput): Promise<Exchanged | 'session lost'> {
  const { message, signal: outer } = input
  // One controller for both reasons: AbortSignal.any costs several times as much, and a call passes here each time.
  const stop = new AbortController()
  const startedAt = Date.now()
  let silent = false
  const timer = setTimeout(function expire() {
    const paused = input.paused?.() === true && Date.now() - startedAt < MAX_PAUSE_MS
    if (paused || input.heard?.() === true) return void timer.refresh()
    silent = true
    stop.abort()
  }, input.timeoutMs)
  const onAbort = () => stop.abort(outer.reason)
  outer.addEventListener('abort', onAbort)
  if (outer.aborted) onAbort()
  const { signal } = stop
  try {
    const answer = await postMessage(input.endpoint, input.session, message, signal, input.headers)
    if (answer.status < 200 || answer.status > 299) return await refusal(input, answer)
    if (!answer.streamed) {
      const { kind, message: received } = await readOnly(answer)
      if (kind === 'response' && received.id === message.id)
        return { response: received, status: answer.status }
      throw closedUnanswered()
    }
    input.onStream?.()
    for await (const { kind, message: received } of readAll(input, answer, signal)) {
      timer.refresh()
      if (kind === 'response') {
        if (received.id === message.id) return { response: received, status: answer.status }
      } else if (kind === 'request') input.onRequest?.(received)
      else await input.onNotification?.(received)
    }
    throw closedUnanswered()
  } catch (error) {
    if (!signal.aborted) throw asUpstreamError(error)
    input.onGivenUp?.(silent ? 'timed out' : 'cancelled by the client')
    outer.throwIfAborted()
    throw new UpstreamError('CALL_TIMED_OUT', undefined, { cause: error })
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', onAbort)
  }
}

const closedUnanswered = () => new UpstreamError('UPSTREAM_UNAVAILABLE', 'closed without an answer')

/** A server with sessions may close the stream before it has answered, and is asked for the rest after the pause it wants. */
async function* readAll(
  { endpoint, session }: ExchangeInput,
  first: UpstreamAnswer,
  signal: AbortSignal,
): AsyncGenerator<ClassifiedMessage, void, void> {
  let answer = first
  for (let resumed = 0; ; resumed++) {
    const position: StreamPosition = { eventId: null, retryMs: DEFAULT_RETRY_MS }
    yield* readMessages(answer, position)
    const { eventId, retryMs } = position
    if (eventId === null || session.protocolVersion === STATELESS_VERSION || resumed === MAX_RESUMES) return
    await sleep(Math.min(retryMs, MAX_RETRY_MS), undefined, { signal })
    answer = await getStream(endpoint, session, signal, eventId)
    if (answer.status !== 200 || !answer.streamed) {
      answer.body.destroy()
      return
    }
  }
}

async function refusal(input: ExchangeInput, answer: UpstreamAnswer): Promise<Exchanged | 'session lost'> {
  const body = await readErrorBody(answer)
  const refused = agentRefusal(body)
  if (refused) throw refused
  const { id, protocolVersion } = input.session
  // The specification says 404; several servers say 400 to a session that they no longer know.
  if (id !== null && (answer.status === 404 || answer.status === 400)) return 'session lost'
  if (protocolVersion === STATELESS_VERSION) {
    // The stateless era puts its errors under statuses of their own.
    const parsed = parseRpcMessage(body)
    if (parsed?.kind === 'response' && (parsed.message.id === input.message.id || parsed.message.id === null))
      return { response: parsed.message, status: answer.status }
  }
  throw statusError(answer.status)
}
