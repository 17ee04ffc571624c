import { McpError, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/sdk/types.js'
import { AgentError } from '#contracts/dtma.ts'
import type { ProbeFailure, ProbeFailureCode, ProbeStage } from '#contracts/probe.ts'
import { classifyNetworkError, type NetworkFailure } from './errors.ts'
import {
  isRecord,
  isRpcFailure,
  parseRpcMessage,
  RPC_CONNECTION_CLOSED,
  RPC_METHOD_NOT_FOUND,
  RPC_REQUEST_TIMEOUT,
  type RpcError,
} from './json-rpc.ts'
import type { DeadEnd, Exchange } from './probe-watch.ts'
import { RPC_UNSUPPORTED_VERSION } from './stateless.ts'

/** Verdicts that asking again may change: the network, the clock, a server that is just coming up. */
const PASSING: ReadonlySet<ProbeFailureCode> = new Set([
  'CONNECTION_REFUSED',
  'DNS_FAILED',
  'PROBE_TIMEOUT',
  'SERVER_EXITED',
  'UPSTREAM_UNAVAILABLE',
])

const BY_NETWORK: Record<NetworkFailure, { code: ProbeFailureCode; message: string }> = {
  refused: {
    code: 'CONNECTION_REFUSED',
    message: 'Nothing accepts connections at the address of the server.',
  },
  dns: { code: 'DNS_FAILED', message: 'The host name of the server cannot be resolved.' },
  tls: { code: 'TLS_FAILED', message: 'No trusted TLS connection could be made.' },
  timeout: { code: 'PROBE_TIMEOUT', message: 'The connection to the server timed out.' },
  closed: { code: 'UPSTREAM_UNAVAILABLE', message: 'The server closed the connection without an answer.' },
}

/** What is known about a probe that did not pass. */
export interface Evidence {
  stage: ProbeStage
  error: unknown
  stopped: DeadEnd | 'timeout' | null
  exchange: Exchange
  /** The `protocolVersion` of the answer to `initialize`; null when there was none. */
  serverVersion: string | null
  /** Milliseconds that each stage was given. */
  timeoutMs: number
}

type Verdict = { code: ProbeFailureCode; message: string; detail?: string | undefined }

/** Turns what was seen into one typed failure. */
export function probeVerdict(evidence: Evidence): ProbeFailure {
  const verdict = decide(evidence)
  const { status } = evidence.exchange
  const failure: ProbeFailure = {
    code: verdict.code,
    stage: evidence.stage,
    message: verdict.message,
    definitive: !PASSING.has(verdict.code),
  }
  if (status !== null) failure.httpStatus = status
  if (verdict.detail) failure.detail = verdict.detail.slice(0, 1000)
  return failure
}

function decide({ stage, error, stopped, exchange, serverVersion, timeoutMs }: Evidence): Verdict {
  if (stopped === 'timeout') {
    return {
      code: 'PROBE_TIMEOUT',
      message: `No answer within ${timeoutMs / 1000} s (${WAITED_FOR[stage]}).`,
      detail: serverDetail(exchange),
    }
  }
  if (stopped === 'too-large') {
    return { code: 'PROTOCOL_ERROR', message: 'The answers of the server are larger than 16 MiB.' }
  }
  if (stopped === 'no-answer') {
    const code = stage === 'tools' ? 'PROTOCOL_ERROR' : 'NOT_AN_MCP_SERVER'
    return { code, message: `The server accepted ${METHOD[stage]} and sent no answer to it.` }
  }
  const network = classifyNetworkError(exchange.error)
  if (network) return { ...BY_NETWORK[network.failure], detail: network.code }
  if (stopped === 'closed') return BY_NETWORK.closed

  const { status } = exchange
  if (status !== null && (status < 200 || status > 299)) return byStatus(status, exchange, stage)
  if (error instanceof McpError) {
    return byRpcError({ code: error.code, message: error.message, data: error.data }, stage)
  }
  if (serverVersion !== null && !SUPPORTED_PROTOCOL_VERSIONS.includes(serverVersion)) {
    return {
      code: 'PROTOCOL_VERSION_UNSUPPORTED',
      message: `The server wants to speak MCP ${JSON.stringify(serverVersion.slice(0, 40))}.`,
      detail: `Supported: ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}`,
    }
  }
  if (stage !== 'tools' && serverVersion === null) {
    const type = exchange.contentType ?? 'no content type'
    return { code: 'NOT_AN_MCP_SERVER', message: `The server answered, but not in MCP (${type}).` }
  }
  const detail = error instanceof Error ? error.message : undefined
  return { code: 'PROTOCOL_ERROR', message: `The answer to ${METHOD[stage]} is not valid MCP.`, detail }
}

function byStatus(status: number, exchange: Exchange, stage: ProbeStage): Verdict {
  const agent = agentVerdict(exchange.body)
  if (agent) return agent
  const rpc = parseRpcMessage(exchange.body)
  const rpcError = rpc?.kind === 'response' && isRpcFailure(rpc.message) ? rpc.message.error : null
  if (status === 401) {
    return {
      code: 'AUTH_REQUIRED',
      message: 'The server asks for credentials.',
      detail: exchange.wwwAuthenticate ?? serverDetail(exchange),
    }
  }
  if (status === 403) {
    return {
      code: 'SERVER_FORBIDS',
      message: 'The server refuses access.',
      detail: exchange.wwwAuthenticate ?? serverDetail(exchange),
    }
  }
  if (rpcError && stage !== 'tools' && speaksOtherVersion(rpcError)) return byRpcError(rpcError, stage)
  if (status >= 500 || status === 408 || status === 429) {
    return {
      code: 'UPSTREAM_UNAVAILABLE',
      message: `The server answered with HTTP ${status}.`,
      detail: serverDetail(exchange),
    }
  }
  if ((status === 404 || status === 410) && stage === 'tools') {
    return { code: 'UPSTREAM_UNAVAILABLE', message: 'The server lost the session between two requests.' }
  }
  if (status === 404 || status === 410) {
    return { code: 'ENDPOINT_NOT_FOUND', message: `There is nothing at this path (HTTP ${status}).` }
  }
  if (status >= 300 && status < 400) {
    return {
      code: 'ENDPOINT_NOT_FOUND',
      message: 'The server redirects to another place, which is not followed.',
      detail: exchange.location ?? undefined,
    }
  }
  if (rpcError) return byRpcError(rpcError, stage)
  return {
    code: 'NOT_AN_MCP_SERVER',
    message: `The server refuses MCP requests at this path (HTTP ${status}).`,
    detail: serverDetail(exchange),
  }
}

function byRpcError(error: RpcError, stage: ProbeStage): Verdict {
  const detail = `${error.code}: ${error.message}`
  if (stage !== 'tools' && speaksOtherVersion(error)) {
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
  return { code: 'PROTOCOL_ERROR', message: `The server refused ${METHOD[stage]}.`, detail }
}

/** A server of the stateless era alone knows no `initialize`; older ones name the versions they support. */
function speaksOtherVersion(error: RpcError): boolean {
  if (error.code === RPC_UNSUPPORTED_VERSION || error.code === RPC_METHOD_NOT_FOUND) return true
  return isRecord(error.data) && Array.isArray(error.data.supported)
}

/** The toolbox's own refusal, on the way to the server. */
function agentVerdict(body: string): Verdict | null {
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

/** An answer's own words when they are text and not a page. */
function serverDetail(exchange: Exchange): string | undefined {
  const text = exchange.body.trim()
  return text === '' || text.startsWith('<') ? undefined : text
}

const METHOD: Record<ProbeStage, string> = {
  connect: 'the connection',
  initialize: '"initialize"',
  tools: '"tools/list"',
}
const WAITED_FOR: Record<ProbeStage, string> = {
  connect: 'connecting',
  initialize: 'answering "initialize"',
  tools: 'answering "tools/list"',
}
