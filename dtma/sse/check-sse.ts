import type { Dispatcher } from 'undici'
import type { ProbeFailure, ProbeFailureCode } from '#contracts/probe.ts'
import { AGENT_VERSION } from '#dtma/version.ts'
import { classifyNetworkError, type NetworkFailure } from '#mcp/errors.ts'
import { isRecord, isRpcFailure, type RpcMessage, type RpcResponse, rpcRequest } from '#mcp/json-rpc.ts'
import { openSseChannel, SseRefused } from '#mcp/sse-channel.ts'
import { LATEST_SESSION_VERSION } from '#mcp/versions.ts'

export type SseCheck = { ok: true; serverInfo: { version: string } } | { ok: false; failure: ProbeFailure }

const BY_NETWORK: Record<NetworkFailure, ProbeFailureCode> = {
  refused: 'CONNECTION_REFUSED',
  dns: 'DNS_FAILED',
  tls: 'TLS_FAILED',
  timeout: 'PROBE_TIMEOUT',
  closed: 'UPSTREAM_UNAVAILABLE',
}

/** Connects and initialises, as a client without capabilities. Throws the signal's reason, and nothing else. */
export async function checkSse(options: {
  url: URL
  headers: Record<string, string>
  dispatcher: Dispatcher
  timeoutMs: number
  signal: AbortSignal
}): Promise<SseCheck> {
  const { signal } = options
  signal.throwIfAborted()
  const answer = Promise.withResolvers<RpcResponse>()
  answer.promise.catch(() => {})
  const stop = () => answer.reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  let timer: NodeJS.Timeout | undefined
  try {
    const channel = await openSseChannel({
      ...options,
      onMessage(message: RpcMessage) {
        if (!('method' in message) && message.id === 1) answer.resolve(message)
      },
      onClose: (reason) => answer.reject(new SseRefused(200, reason)),
    })
    try {
      timer = setTimeout(
        () => answer.reject(new SseRefused(0, 'The server did not answer "initialize" in time.')),
        options.timeoutMs,
      )
      await channel.send(
        rpcRequest(1, 'initialize', {
          protocolVersion: LATEST_SESSION_VERSION,
          capabilities: {},
          clientInfo: { name: 'toolberth-dtma', version: AGENT_VERSION },
        }),
      )
      const response = await answer.promise
      if (isRpcFailure(response)) return failed('PROTOCOL_ERROR', response.error.message.slice(0, 1000), true)
      const { serverInfo } = response.result
      const version = isRecord(serverInfo) ? serverInfo.version : ''
      return { ok: true, serverInfo: { version: typeof version === 'string' ? version : '' } }
    } finally {
      channel.close()
    }
  } catch (error) {
    signal.throwIfAborted()
    return verdict(error)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

function verdict(error: unknown): SseCheck {
  if (!(error instanceof SseRefused)) {
    const network = classifyNetworkError(error)
    const code = network === null ? 'UPSTREAM_UNAVAILABLE' : BY_NETWORK[network.failure]
    return failed(code, `The server did not answer${network === null ? '' : ` (${network.code})`}.`, false)
  }
  const { status, message } = error
  if (status === 0) return failed('PROBE_TIMEOUT', message, false)
  const of = (code: ProbeFailureCode, definitive: boolean) => failed(code, message, definitive, status)
  if (status === 401) return of('AUTH_REQUIRED', true)
  if (status === 403) return of('SERVER_FORBIDS', true)
  if (status >= 500) return of('UPSTREAM_UNAVAILABLE', false)
  return status === 200 ? of('NOT_AN_MCP_SERVER', true) : of('ENDPOINT_NOT_FOUND', true)
}

function failed(code: ProbeFailureCode, message: string, definitive: boolean, httpStatus?: number): SseCheck {
  const status = httpStatus === undefined ? {} : { httpStatus }
  return { ok: false, failure: { code, stage: 'initialize', message, definitive, ...status } }
}
