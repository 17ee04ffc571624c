import { CLIENT_INFO } from '#mcp/client-info.ts'
import { isRpcFailure, type RpcResult, rpcNotification, rpcRequest } from '#mcp/json-rpc.ts'
import { LATEST_SESSION_VERSION } from '#mcp/versions.ts'
import { agentRefusal, asUpstreamError, UpstreamError } from './error.ts'
import { type Endpoint, postMessage, readErrorBody, readMessages, type UpstreamAnswer } from './http.ts'

/** The whole handshake, milliseconds. */
const INITIALIZE_TIMEOUT_MS = 15_000

/** An MCP session with one server. `id` is null at servers that keep none. */
export interface UpstreamHandshake {
  id: string | null
  protocolVersion: string
}

/** `initialize` and `notifications/initialized`, as a client without capabilities. Throws UpstreamError. */
export async function initializeUpstream(endpoint: Endpoint): Promise<UpstreamHandshake> {
  const signal = AbortSignal.timeout(INITIALIZE_TIMEOUT_MS)
  const request = rpcRequest(0, 'initialize', {
    // Each server may answer with an older one, which is used from then on.
    protocolVersion: LATEST_SESSION_VERSION,
    capabilities: {},
    clientInfo: CLIENT_INFO,
  })
  try {
    const answer = await postMessage(endpoint, { id: null, protocolVersion: null }, request, signal)
    await refuseError(answer)
    const { result } = await firstResult(answer)
    if (typeof result.protocolVersion !== 'string')
      throw new UpstreamError('PROTOCOL_ERROR', 'no protocolVersion')
    const handshake = { id: answer.sessionId, protocolVersion: result.protocolVersion }
    const confirmed = await postMessage(
      endpoint,
      handshake,
      rpcNotification('notifications/initialized'),
      signal,
    )
    await refuseError(confirmed)
    await confirmed.body.dump()
    return handshake
  } catch (error) {
    if (signal.aborted) throw new UpstreamError('CALL_TIMED_OUT', 'initialize', { cause: error })
    throw asUpstreamError(error)
  }
}

async function firstResult(answer: UpstreamAnswer): Promise<RpcResult> {
  for await (const { kind, message } of readMessages(answer)) {
    if (kind !== 'response' || message.id !== 0) continue
    if (isRpcFailure(message)) throw new UpstreamError('PROTOCOL_ERROR', `initialize: ${message.error.code}`)
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
  return new UpstreamError(
    status >= 500 || status === 429 ? 'UPSTREAM_UNAVAILABLE' : 'PROTOCOL_ERROR',
    detail,
  )
}
