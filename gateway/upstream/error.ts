import { AgentError } from '#contracts/dtma.ts'
import { ERROR_CATALOGUE, type ErrorCode } from '#contracts/errors.ts'
import { classifyNetworkError, type NetworkFailure } from '#mcp/errors.ts'
import {
  RPC_INTERNAL_ERROR,
  RPC_REQUEST_TIMEOUT,
  type RpcFailure,
  type RpcId,
  rpcFailure,
} from '#mcp/json-rpc.ts'

/** Why a call did not get an answer from its server. `detail` is a system's code or a status, fit for the agent's owner. */
export class UpstreamError extends Error {
  readonly code: ErrorCode
  readonly detail: string | undefined
  /** Nothing of the request can have reached the server, so that asking again runs it once at most. */
  readonly unsent: boolean
  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions & { unsent?: boolean }) {
    super(detail === undefined ? code : `${code}: ${detail}`, options)
    this.name = 'UpstreamError'
    this.code = code
    this.detail = detail
    this.unsent = options?.unsent ?? false
  }
}

const BY_NETWORK: Record<NetworkFailure, ErrorCode> = {
  refused: 'TOOLBOX_UNREACHABLE',
  dns: 'TOOLBOX_UNREACHABLE',
  timeout: 'TOOLBOX_UNREACHABLE',
  tls: 'TLS_FAILED',
  closed: 'UPSTREAM_UNAVAILABLE',
}

/** For what a request to a toolbox threw; errors that are none of the network come back unchanged. */
export function asUpstreamError(error: unknown): unknown {
  if (error instanceof UpstreamError) return error
  const network = classifyNetworkError(error)
  if (network === null) return error
  // Time-outs of answers are none of the network's here, so what it says of time is about connecting.
  const unsent = network.failure !== 'closed'
  return new UpstreamError(BY_NETWORK[network.failure], network.code, { cause: error, unsent })
}

const BY_AGENT: Partial<Record<AgentError['error']['code'], ErrorCode>> = {
  NOT_RUNNING: 'SERVER_NOT_RUNNING',
  NOT_FOUND: 'SERVER_NOT_RUNNING',
  UNAUTHORIZED: 'TOOLBOX_REFUSED',
  FORBIDDEN: 'TOOLBOX_REFUSED',
  CLOCK_SKEW: 'TOOLBOX_REFUSED',
  PROTOCOL_UNSUPPORTED: 'TOOLBOX_REFUSED',
  BUSY: 'TOO_MANY_CALLS',
  TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  UPSTREAM_FAILED: 'UPSTREAM_UNAVAILABLE',
}

/** The toolbox's own refusal in an answer's body; `null` when the body is the server's. */
export function agentRefusal(body: string): UpstreamError | null {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return null
  }
  const parsed = AgentError.safeParse(json)
  if (!parsed.success) return null
  const { code, message } = parsed.data.error
  // What there is no room for is said in words; what failed inside of a toolbox is for its admin.
  return new UpstreamError(BY_AGENT[code] ?? 'TOOLBOX_INTERNAL', code === 'BUSY' ? message : code)
}

/** The JSON-RPC error that the agent gets: what happened, what to do, and the code for programs. */
export function describeFailure(id: RpcId, name: string, error: UpstreamError): RpcFailure {
  const { text, action, retryable } = ERROR_CATALOGUE[error.code]
  const rpcCode = error.code === 'CALL_TIMED_OUT' ? RPC_REQUEST_TIMEOUT : RPC_INTERNAL_ERROR
  // Its detail says what to do, and where.
  const next = error.code === 'CREDENTIALS_MISSING' ? error.detail : action
  return rpcFailure(id, rpcCode, `${name}: ${text} ${next}`, {
    code: error.code,
    retryable,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
  })
}
