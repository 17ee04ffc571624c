import type { ProbeTransport } from '#contracts/probe.ts'
import { isRpcFailure, type RpcParams, rpcNotification, rpcRequest } from './json-rpc.ts'
import { ProbeError, type Verdict } from './probe-error.ts'
import { type Heard, type ProbeWay, post, sendDelete } from './probe-exchange.ts'
import { refusalOf, wrongContentType } from './probe-verdict.ts'
import { envelopeOf, STATELESS_VERSION, standardHeaders } from './stateless.ts'

/** Ending a session is a courtesy: a server that is slow at it does not fail its probe. */
const END_SESSION_MS = 2000

type Result = Record<string, unknown>

/** A server that a version of MCP was agreed on with. */
export interface ProbeSession {
  readonly transport: ProbeTransport
  readonly era: 'legacy' | 'modern'
  readonly protocolVersion: string
  readonly supportedVersions: readonly string[]
  /** What it answered `server/discover` or `initialize` with. */
  readonly said: Result
  /** Tells it that the handshake is over, where its era has a word for that. */
  begin(signal: AbortSignal): Promise<void>
  /** Throws ProbeError, the signal's reason, or what undici throws. */
  request(method: string, params: RpcParams, signal: AbortSignal): Promise<Result>
  /** Never rejects. */
  end(): Promise<void>
}

/** Requests of 2026-07-28, each of which says all about itself. */
export function modernSession(way: ProbeWay, said: Result, supportedVersions: string[]): ProbeSession {
  let nextId = 1
  return {
    transport: 'streamable-http',
    era: 'modern',
    protocolVersion: STATELESS_VERSION,
    supportedVersions,
    said,
    begin: async () => {},
    async request(method, params, signal) {
      return resultOf(await askModern(way, nextId++, method, params, signal), method, false)
    },
    end: async () => {},
  }
}

export function askModern(
  way: ProbeWay,
  id: number,
  method: string,
  params: RpcParams,
  signal: AbortSignal,
): Promise<Heard> {
  const message = rpcRequest(id, method, { ...params, _meta: envelopeOf({}) })
  const headers = { 'mcp-protocol-version': STATELESS_VERSION, ...standardHeaders(method, params) }
  return post(way, message, headers, signal)
}

/** A session by `initialize`; `sessionId` is null at servers that keep none. */
export function httpSession(
  way: ProbeWay,
  of: { said: Result; protocolVersion: string; sessionId: string | null },
): ProbeSession {
  const { said, protocolVersion, sessionId } = of
  const headers = {
    'mcp-protocol-version': protocolVersion,
    ...(sessionId !== null && { 'mcp-session-id': sessionId }),
  }
  let nextId = 1
  return {
    transport: 'streamable-http',
    era: 'legacy',
    protocolVersion,
    supportedVersions: [protocolVersion],
    said,
    async begin(signal) {
      const method = 'notifications/initialized'
      const heard = await post(way, rpcNotification(method), headers, signal)
      if (heard.status >= 300) throw new ProbeError(refusalOf(heard, method, false))
    },
    async request(method, params, signal) {
      const message = rpcRequest(nextId++, method, params)
      return resultOf(await post(way, message, headers, signal), method, false)
    },
    async end() {
      if (sessionId === null) return
      await sendDelete(way, headers, AbortSignal.timeout(END_SESSION_MS)).catch(() => {})
    },
  }
}

/** The result in an answer. Throws ProbeError where there is none. */
export function resultOf(heard: Heard, method: string, negotiating: boolean): Result {
  const { response, status } = heard
  if (status < 300 && response !== null && !isRpcFailure(response)) {
    const verdict = wrongContentType(heard)
    if (verdict === null) return response.result
    throw new ProbeError(verdict)
  }
  throw new ProbeError(refusalOf(heard, method, negotiating))
}

/** Whether going on would tell nothing else: the verdict is about credentials or the way, not about what is spoken. */
export function isFinal({ code, httpStatus }: Verdict): boolean {
  return code === 'AUTH_REQUIRED' || code === 'SERVER_FORBIDS' || httpStatus === 429 || httpStatus === 408
}
