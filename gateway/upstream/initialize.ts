import { CLIENT_INFO } from '#mcp/client-info.ts'
import {
  isRecord,
  isRpcFailure,
  RPC_CONNECTION_CLOSED,
  type RpcMessage,
  type RpcResult,
  rpcNotification,
  rpcRequest,
} from '#mcp/json-rpc.ts'
import { LATEST_SESSION_VERSION } from '#mcp/versions.ts'
import { agentRefusal, asUpstreamError, UpstreamError } from './error.ts'
import { type Endpoint, postMessage, readErrorBody, readMessages, type UpstreamAnswer } from './http.ts'

/** The whole handshake, milliseconds. */
const INITIALIZE_TIMEOUT_MS = 15_000

/** Of what a process says when it ends instead of answering. */
const MAX_WORDS = 400

/** An MCP session with one server. `id` is null at servers that keep none. */
export interface UpstreamHandshake {
  id: string | null
  protocolVersion: string
  /** The server's. */
  capabilities: Record<string, unknown>
  instructions?: string
}

/** The server speaks, and says that it has no sessions: it may be one of the stateless era. */
export class NoSessionsError extends UpstreamError {
  constructor(detail: string) {
    super('PROTOCOL_ERROR', detail)
  }
}

/** `initialize` and `notifications/initialized`, with the given capabilities of a client. Throws UpstreamError. */
export async function initializeUpstream(
  endpoint: Endpoint,
  capabilities: Record<string, unknown> = {},
): Promise<UpstreamHandshake> {
  const signal = AbortSignal.timeout(INITIALIZE_TIMEOUT_MS)
  const request = rpcRequest(0, 'initialize', {
    // Each server may answer with an older one, which is used from then on.
    protocolVersion: LATEST_SESSION_VERSION,
    capabilities,
    clientInfo: CLIENT_INFO,
  })
  try {
    const answer = await postMessage(endpoint, { id: null, protocolVersion: null }, request, signal)
    await refuseError(answer)
    const { result } = await firstResult(answer)
    if (typeof result.protocolVersion !== 'string')
      throw new UpstreamError('PROTOCOL_ERROR', 'no protocolVersion')
    const handshake: UpstreamHandshake = {
      id: answer.sessionId,
      protocolVersion: result.protocolVersion,
      capabilities: isRecord(result.capabilities) ? result.capabilities : {},
      ...(typeof result.instructions === 'string' && { instructions: result.instructions }),
    }
    await sendAndDrop(endpoint, handshake, rpcNotification('notifications/initialized'), signal)
    return handshake
  } catch (error) {
    if (signal.aborted) throw new UpstreamError('CALL_TIMED_OUT', 'initialize', { cause: error })
    throw asUpstreamError(error)
  }
}

/** Sends a message whose answer matters only when it refuses. Throws UpstreamError then. */
export async function sendAndDrop(
  endpoint: Endpoint,
  session: Pick<UpstreamHandshake, 'id' | 'protocolVersion'>,
  message: RpcMessage,
  signal: AbortSignal,
): Promise<void> {
  const answer = await postMessage(endpoint, session, message, signal)
  await refuseError(answer)
  answer.body.leave()
}

async function firstResult(answer: UpstreamAnswer): Promise<RpcResult> {
  for await (const { kind, message } of readMessages(answer)) {
    if (kind !== 'response' || message.id !== 0) continue
    if (isRpcFailure(message) && message.error.code === RPC_CONNECTION_CLOSED)
      throw new UpstreamError('UPSTREAM_UNAVAILABLE', message.error.message.slice(0, MAX_WORDS))
    if (isRpcFailure(message)) throw new NoSessionsError(`initialize: ${message.error.code}`)
    return message
  }
  throw new UpstreamError('UPSTREAM_UNAVAILABLE', 'initialize was not answered')
}

async function refuseError(answer: UpstreamAnswer): Promise<void> {
  if (answer.status >= 200 && answer.status < 300) return
  const body = await readErrorBody(answer)
  throw agentRefusal(body) ?? statusError(answer.status)
}

/** For an error status of the server itself. */
export function statusError(status: number): UpstreamError {
  const detail = `HTTP ${status}`
  if (status === 401) return new UpstreamError('AUTH_REQUIRED', detail)
  if (status === 403) return new UpstreamError('SERVER_FORBIDS', detail)
  if (status === 404) return new UpstreamError('ENDPOINT_NOT_FOUND', detail)
  if (status === 400 || status === 405) return new NoSessionsError(detail)
  return new UpstreamError(
    status >= 500 || status === 429 ? 'UPSTREAM_UNAVAILABLE' : 'PROTOCOL_ERROR',
    detail,
  )
}
