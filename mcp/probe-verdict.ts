import { AgentError } from '#contracts/dtma.ts'
import type { ProbeFailure, ProbeFailureCode, ProbeStage } from '#contracts/probe.ts'
import { AddressRefused } from './address-guard.ts'
import { causesOf, classifyNetworkError, type NetworkFailure } from './errors.ts'
import {
  isRecord,
  isRpcFailure,
  parseRpcMessage,
  RPC_CONNECTION_CLOSED,
  RPC_METHOD_NOT_FOUND,
  RPC_REQUEST_TIMEOUT,
  type RpcError,
} from './json-rpc.ts'
import { readDemand } from './probe-auth.ts'
import { ProbeError, type Verdict } from './probe-error.ts'
import type { Heard } from './probe-exchange.ts'
import { StageTimeout } from './probe-stages.ts'
import { SseRefused } from './sse-channel.ts'
import { RPC_UNSUPPORTED_VERSION } from './stateless.ts'
import { tlsReason } from './tls-reasons.ts'

/** Verdicts that asking again may change: the network, the clock, a server that is just coming up. */
const PASSING: ReadonlySet<ProbeFailureCode> = new Set([
  'CONNECTION_REFUSED',
  'DNS_FAILED',
  'PROBE_TIMEOUT',
  'SERVER_EXITED',
  'UPSTREAM_UNAVAILABLE',
])

const BY_NETWORK: Record<NetworkFailure, Verdict> = {
  refused: {
    code: 'CONNECTION_REFUSED',
    message: 'Nothing accepts connections at the address of the server.',
  },
  dns: { code: 'DNS_FAILED', message: 'The host name of the server cannot be resolved.' },
  tls: { code: 'TLS_FAILED', message: 'No trusted TLS connection could be made.' },
  timeout: { code: 'PROBE_TIMEOUT', message: 'The connection to the server timed out.' },
  closed: { code: 'UPSTREAM_UNAVAILABLE', message: 'The server closed the connection without an answer.' },
}

/** The typed failure of a probe that ended with `error` at `stage`. */
export function toProbeFailure(error: unknown, stage: ProbeStage, timeoutMs: number): ProbeFailure {
  const { code, message, detail, httpStatus, auth } = verdictOf(error, stage, timeoutMs)
  return {
    code,
    stage,
    message,
    definitive: !PASSING.has(code),
    ...(httpStatus !== undefined && { httpStatus }),
    ...(detail && { detail: detail.slice(0, 1000) }),
    ...(auth && { auth }),
  }
}

function verdictOf(error: unknown, stage: ProbeStage, timeoutMs: number): Verdict {
  for (const cause of causesOf(error)) {
    if (cause instanceof ProbeError) return cause.verdict
    if (cause instanceof StageTimeout)
      return {
        code: 'PROBE_TIMEOUT',
        message: `No answer within ${timeoutMs / 1000} s (${WAITED_FOR[stage]}).`,
      }
    if (cause instanceof AddressRefused) return { code: 'REMOTE_ADDRESS_REFUSED', message: cause.message }
    if (cause instanceof SseRefused) return bySse(cause)
  }
  const network = classifyNetworkError(error)
  if (network?.failure === 'tls')
    return { ...BY_NETWORK.tls, message: tlsReason(network.code), detail: network.code }
  if (network) return { ...BY_NETWORK[network.failure], detail: network.code }
  const detail = error instanceof Error ? error.message : undefined
  return { code: 'PROTOCOL_ERROR', message: 'The answer of the server is not valid MCP.', detail }
}

/** What an answer that is no result says of its server. `negotiating`: nothing was agreed on yet. */
export function refusalOf(heard: Heard, method: string, negotiating: boolean): Verdict {
  const { status } = heard
  const verdict = decide(heard, method, negotiating)
  return { ...verdict, httpStatus: status, ...(heard.location !== null && { location: heard.location }) }
}

function decide(heard: Heard, method: string, negotiating: boolean): Verdict {
  const { status, text } = heard
  const rpcError = heard.response !== null && isRpcFailure(heard.response) ? heard.response.error : null
  if (status >= 200 && status < 300) {
    if (rpcError) return byRpcError(rpcError, method, negotiating)
    if (status === 202 || status === 204) {
      const code = negotiating ? 'NOT_AN_MCP_SERVER' : 'PROTOCOL_ERROR'
      return { code, message: `The server accepted "${method}" and sent no answer to it.` }
    }
    const type = heard.contentType ?? 'no content type'
    if (negotiating)
      return {
        code: 'NOT_AN_MCP_SERVER',
        message: `The server answered, but not in MCP (${type.slice(0, 100)}).`,
      }
    return {
      code: 'PROTOCOL_ERROR',
      message: `The answer to "${method}" is not valid MCP.`,
      detail: plain(text),
    }
  }
  const agent = agentVerdict(text)
  if (agent) return agent
  if (status === 401 || status === 403) {
    const auth = readDemand(heard.wwwAuthenticate)
    return {
      code: status === 401 ? 'AUTH_REQUIRED' : 'SERVER_FORBIDS',
      message: status === 401 ? 'The server asks for credentials.' : 'The server refuses access.',
      detail: heard.wwwAuthenticate?.slice(0, 1000) ?? plain(text),
      ...(auth && { auth }),
    }
  }
  if (rpcError && negotiating && speaksOtherVersion(rpcError)) return byRpcError(rpcError, method, true)
  if (status >= 500 || status === 408 || status === 429) {
    const message = `The server answered with HTTP ${status}.`
    return { code: 'UPSTREAM_UNAVAILABLE', message, detail: plain(text) }
  }
  if ((status === 404 || status === 410) && !negotiating) {
    return { code: 'UPSTREAM_UNAVAILABLE', message: 'The server lost the session between two requests.' }
  }
  if (status === 404 || status === 410) {
    return { code: 'ENDPOINT_NOT_FOUND', message: `There is nothing at this path (HTTP ${status}).` }
  }
  if (status >= 300 && status < 400) {
    return {
      code: 'ENDPOINT_NOT_FOUND',
      message: 'The server redirects to another place, which is not followed.',
      detail: heard.location?.slice(0, 1000),
    }
  }
  if (rpcError) return byRpcError(rpcError, method, negotiating)
  return {
    code: 'NOT_AN_MCP_SERVER',
    message: `The server refuses MCP requests at this path (HTTP ${status}).`,
    detail: plain(text),
  }
}

function byRpcError(error: RpcError, method: string, negotiating: boolean): Verdict {
  const detail = `${error.code}: ${error.message}`
  if (negotiating && speaksOtherVersion(error)) {
    return {
      code: 'PROTOCOL_VERSION_UNSUPPORTED',
      message: 'The server speaks none of the MCP versions offered.',
      detail,
    }
  }
  if (error.code === RPC_CONNECTION_CLOSED) {
    return { code: 'SERVER_EXITED', message: 'The server ended before it answered.', detail }
  }
  if (error.code === RPC_REQUEST_TIMEOUT) {
    return { code: 'PROBE_TIMEOUT', message: 'The server did not answer in time.', detail }
  }
  return { code: 'PROTOCOL_ERROR', message: `The server refused "${method}".`, detail }
}

/** A server of the stateless era alone knows no `initialize`; older ones name the versions they support. */
function speaksOtherVersion(error: RpcError): boolean {
  if (error.code === RPC_UNSUPPORTED_VERSION || error.code === RPC_METHOD_NOT_FOUND) return true
  return isRecord(error.data) && Array.isArray(error.data.supported)
}

function bySse({ status, message, wwwAuthenticate }: SseRefused): Verdict {
  const httpStatus = status === 0 ? undefined : status
  if (status === 0) return { code: 'PROBE_TIMEOUT', message }
  if (status === 401 || status === 403) {
    const auth = readDemand(wwwAuthenticate)
    const detail = wwwAuthenticate?.slice(0, 1000)
    const code = status === 401 ? 'AUTH_REQUIRED' : 'SERVER_FORBIDS'
    return { code, message, httpStatus, detail, ...(auth && { auth }) }
  }
  if (status >= 500) return { code: 'UPSTREAM_UNAVAILABLE', message, httpStatus }
  return { code: status === 200 ? 'NOT_AN_MCP_SERVER' : 'ENDPOINT_NOT_FOUND', message, httpStatus }
}

/** The toolbox's own refusal, on the way to the server. */
export function agentVerdict(body: string): Verdict | null {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return null
  }
  const parsed = AgentError.safeParse(json)
  if (!parsed.success) return null
  const { code, message } = parsed.data.error
  const detail = `${code}: ${message}`
  if (code === 'NOT_RUNNING' || code === 'NOT_FOUND') {
    return { code: 'SERVER_EXITED', message: 'The server is not running on its toolbox.', detail }
  }
  return { code: 'UPSTREAM_UNAVAILABLE', message: 'The toolbox refused to pass the request on.', detail }
}

/** An answer in MCP under a type that no client reads. */
export function wrongContentType({ contentType, text, status }: Heard): Verdict | null {
  if (contentType === null || /^application\/json\b|^text\/event-stream\b/i.test(contentType.slice(0, 200)))
    return null
  if (parseRpcMessage(text)?.kind !== 'response') return null
  const message = `The server answers in MCP, and says that it is "${contentType.slice(0, 100)}".`
  return { code: 'WRONG_CONTENT_TYPE', message, httpStatus: status }
}

/** An answer's own words when they are text and not a page. */
function plain(body: string): string | undefined {
  const text = body.slice(0, 4096).trim()
  return text === '' || text.startsWith('<') ? undefined : text
}

const WAITED_FOR: Record<ProbeStage, string> = {
  resolve: 'looking up its name',
  connect: 'connecting',
  tls: 'securing the connection',
  protocol: 'agreeing on a version of MCP',
  capabilities: 'reading what it offers',
  tools: 'answering "tools/list"',
  resources: 'answering "resources/list"',
  prompts: 'answering "prompts/list"',
}
