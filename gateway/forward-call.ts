import {
  type ClassifiedMessage,
  isRecord,
  RPC_METHOD_NOT_FOUND,
  type RpcFailure,
  type RpcMessage,
  type RpcParams,
  type RpcRequest,
  type RpcResponse,
  rpcFailure,
  rpcNotification,
  rpcRequest,
  rpcResult,
} from '#mcp/json-rpc.ts'
import type { Reply } from './reply.ts'
import { agentRefusal, asUpstreamError, UpstreamError } from './upstream/error.ts'
import { postMessage, readErrorBody, readMessages, type UpstreamAnswer } from './upstream/http.ts'
import { statusError } from './upstream/initialize.ts'
import type { UpstreamLease, UpstreamSessions, UpstreamTarget } from './upstream/sessions.ts'

/** Silence of a server after which a call is given up (the SDKs' default); any message of the server begins it anew. */
const CALL_TIMEOUT_MS = 60_000
/** Messages to the server beside a call (a cancellation, an answer to its ping), milliseconds. */
const ASIDE_TIMEOUT_MS = 2000

export interface ForwardInput {
  upstream: UpstreamSessions
  target: UpstreamTarget
  /** The agent's request; its `params.name` is replaced by `toolName`. */
  request: RpcRequest
  toolName: string
  reply: Reply
  /** Ends the call: the agent went away, cancelled or lost its right. */
  signal: AbortSignal
  timeoutMs?: number | undefined
}

/**
 * Sends a `tools/call` to its server and relays what comes back under the agent's own id and progress token. Answers the final
 * response. Throws UpstreamError, or the signal's reason.
 */
export async function forwardCall(input: ForwardInput): Promise<RpcResponse> {
  for (let attempt = 0; ; attempt++) {
    input.signal.throwIfAborted()
    const lease = await abortable(input.upstream.lease(input.target), input.signal)
    try {
      const answer = await exchange(input, lease)
      if (answer !== 'session lost') return answer
      // A server that refuses the session did not run the call, so asking once more runs it once.
      lease.lost()
      if (attempt > 0) throw new UpstreamError('UPSTREAM_UNAVAILABLE', 'session refused')
    } finally {
      lease.release()
    }
  }
}

async function exchange(input: ForwardInput, lease: UpstreamLease): Promise<RpcResponse | 'session lost'> {
  const upstreamId = lease.nextId()
  const idle = new AbortController()
  const timer = setTimeout(() => idle.abort(), input.timeoutMs ?? CALL_TIMEOUT_MS)
  const signal = AbortSignal.any([input.signal, idle.signal])
  try {
    const params = upstreamParams(input, upstreamId)
    const answer = await postMessage(
      lease.endpoint,
      lease.session,
      rpcRequest(upstreamId, 'tools/call', params),
      signal,
    )
    if (answer.status < 200 || answer.status > 299) return await refusal(input, lease, answer)
    if (answer.streamed) input.reply.openStream()
    for await (const message of readMessages(answer)) {
      timer.refresh()
      if (message.kind === 'response' && message.message.id === upstreamId) {
        return { ...message.message, id: input.request.id }
      }
      await relayAside(input, lease, upstreamId, message)
    }
    throw new UpstreamError('UPSTREAM_UNAVAILABLE', 'closed without an answer')
  } catch (error) {
    if (signal.aborted) {
      const reason = idle.signal.aborted ? 'timed out' : 'cancelled by the client'
      sendAside(lease, rpcNotification('notifications/cancelled', { requestId: upstreamId, reason }))
      input.signal.throwIfAborted()
      throw new UpstreamError('CALL_TIMED_OUT', undefined, { cause: error })
    }
    throw asUpstreamError(error)
  } finally {
    clearTimeout(timer)
  }
}

/** The server's name of the tool, and a progress token that no other agent's call has. */
function upstreamParams({ request, toolName }: ForwardInput, upstreamId: number): RpcParams {
  const params: RpcParams = { ...request.params, name: toolName }
  if (isRecord(params._meta) && params._meta.progressToken !== undefined) {
    params._meta = { ...params._meta, progressToken: upstreamId }
  }
  return params
}

async function refusal(
  input: ForwardInput,
  lease: UpstreamLease,
  answer: UpstreamAnswer,
): Promise<RpcFailure | 'session lost'> {
  const body = await readErrorBody(answer)
  const refused = agentRefusal(body)
  if (refused) throw refused
  // The specification says 404; several servers say 400 to a session that they no longer know.
  if (lease.session.id !== null && (answer.status === 404 || answer.status === 400)) return 'session lost'
  throw statusError(answer.status)
}

async function relayAside(
  { request, reply }: ForwardInput,
  lease: UpstreamLease,
  upstreamId: number,
  { kind, message }: ClassifiedMessage,
): Promise<void> {
  if (kind === 'request') {
    // As a client without capabilities: a ping is answered, everything else is not understood.
    const answer =
      message.method === 'ping'
        ? rpcResult(message.id, {})
        : rpcFailure(message.id, RPC_METHOD_NOT_FOUND, `Method not found: ${message.method}`)
    sendAside(lease, answer)
    return
  }
  if (kind !== 'notification' || message.method !== 'notifications/progress') return
  const ownMeta = request.params?._meta
  if (!isRecord(ownMeta) || ownMeta.progressToken === undefined) return
  if (message.params?.progressToken !== upstreamId) return
  await reply.send(
    rpcNotification('notifications/progress', { ...message.params, progressToken: ownMeta.progressToken }),
  )
}

/** Nobody waits for these, and a call does not fail by them. */
function sendAside(lease: UpstreamLease, message: RpcMessage): void {
  postMessage(lease.endpoint, lease.session, message, AbortSignal.timeout(ASIDE_TIMEOUT_MS))
    .then(
      ({ body }) => body.dump(),
      () => {},
    )
    .catch(() => {})
}

async function abortable(leased: Promise<UpstreamLease>, signal: AbortSignal): Promise<UpstreamLease> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([leased, aborted.promise])
  } catch (error) {
    // A lease that arrives after the caller left is given back.
    leased.then((lease) => lease.release()).catch(() => {})
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
