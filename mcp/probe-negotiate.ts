import type { ProbeTransport } from '#contracts/probe.ts'
import { CLIENT_INFO } from './client-info.ts'
import { classifyNetworkError } from './errors.ts'
import { isRecord, isRpcFailure, type RpcResponse, rpcRequest } from './json-rpc.ts'
import { ProbeError } from './probe-error.ts'
import { type Heard, type ProbeWay, post } from './probe-exchange.ts'
import {
  askModern,
  httpSession,
  isFinal,
  modernSession,
  type ProbeSession,
  resultOf,
} from './probe-session.ts'
import { sseSession, unknownVersion } from './probe-sse.ts'
import { agentVerdict, refusalOf } from './probe-verdict.ts'
import { RPC_UNSUPPORTED_VERSION, STATELESS_VERSION } from './stateless.ts'
import { isSessionVersion, LATEST_SESSION_VERSION, SESSION_VERSIONS } from './versions.ts'

/** A server that does not know the method may never answer it; the time is for `initialize` as well. */
const DISCOVER_SHARE = 3
/** Answers to `initialize` after which the older transport is looked for (specification, "Backwards Compatibility"). */
const MAYBE_SSE: ReadonlySet<number> = new Set([400, 404, 405])

export interface NegotiateOptions {
  way: ProbeWay
  /** `any`: streamable HTTP, and SSE where a server refuses that. */
  transport: ProbeTransport | 'any'
  /** For one question. */
  timeoutMs: number
  /** Called when another question is asked. */
  onNext?: () => void
  /** Read anew for each question. */
  signal: () => AbortSignal
}

/**
 * Finds out what a server speaks: the stateless era first (`server/discover`), then `initialize` with the newest version and with
 * what the server names in its place, then the SSE transport. Credentials that are missing, and a failure of the network, say
 * nothing about the era and end it. Throws ProbeError, the signal's reason, or what undici throws.
 */
export async function negotiate(options: NegotiateOptions): Promise<ProbeSession> {
  const { way, transport, timeoutMs, signal } = options
  if (transport === 'sse') return sseSession(way, timeoutMs, signal())
  const first = await discover(options, timeoutMs / DISCOVER_SHARE)
  if (first.session) return first.session
  options.onNext?.()
  const { heard, session } = await initialize(options, first.offered)
  if (session) return session
  if (first.late) {
    options.onNext?.()
    const second = await discover(options, timeoutMs)
    if (second.session) return second.session
  }
  if (transport === 'any' && MAYBE_SSE.has(heard.status) && heard.response === null) {
    options.onNext?.()
    const older = await sseSession(way, timeoutMs, signal()).catch((error: unknown) => {
      signal().throwIfAborted()
      // An older server says that it wants credentials where its stream is.
      if (error instanceof ProbeError && isFinal(error.verdict)) throw error
      return null
    })
    if (older) return older
  }
  throw new ProbeError(refusalOf(heard, 'initialize', true))
}

interface Discovered {
  session?: ProbeSession
  /** Versions with sessions that the server named. */
  offered: string[]
  /** It did not answer in time. */
  late?: true
}

async function discover({ way, signal }: NegotiateOptions, timeoutMs: number): Promise<Discovered> {
  const outer = signal()
  let discovers = 0
  const ask = (stop: AbortSignal) => askModern(way, discovers++, 'server/discover', {}, stop)
  const late = AbortSignal.timeout(Math.max(1, Math.round(timeoutMs)))
  let heard: Heard
  try {
    const stop = AbortSignal.any([outer, late])
    heard = await ask(stop)
    // Asked with the one version that is known here, it may still say that it wants another request for it.
    if (namesStateless(heard.response)) heard = await ask(stop)
  } catch (error) {
    outer.throwIfAborted()
    if (late.aborted) return { offered: [], late: true }
    // Some that do not know the method hang up.
    if (error instanceof ProbeError || classifyNetworkError(error)?.failure === 'closed')
      return { offered: [] }
    throw error
  }
  const { response } = heard
  if (response !== null && !isRpcFailure(response) && heard.status < 300) {
    const named = textsOf(response.result.supportedVersions)
    if (named.includes(STATELESS_VERSION))
      return { offered: [], session: modernSession(way, resultOf(heard, 'server/discover', true), named) }
    return { offered: named.filter(isSessionVersion) }
  }
  const verdict = refusalOf(heard, 'server/discover', true)
  if (isFinal(verdict) || (heard.status >= 300 && heard.status < 400) || agentVerdict(heard.text))
    throw new ProbeError(verdict)
  return { offered: offeredIn(response) }
}

function namesStateless(response: RpcResponse | null): boolean {
  if (response === null || !isRpcFailure(response) || response.error.code !== RPC_UNSUPPORTED_VERSION)
    return false
  const { data } = response.error
  return textsOf(isRecord(data) ? data.supported : undefined).includes(STATELESS_VERSION)
}

type Initialized = { session: ProbeSession; heard: Heard } | { session: null; heard: Heard }

async function initialize({ way, signal }: NegotiateOptions, offered: string[]): Promise<Initialized> {
  const tried = new Set<string>()
  let version = newestOf(offered) ?? LATEST_SESSION_VERSION
  for (;;) {
    tried.add(version)
    const params = { protocolVersion: version, capabilities: {}, clientInfo: CLIENT_INFO }
    const heard = await post(way, rpcRequest(0, 'initialize', params), {}, signal())
    if (heard.status < 300 && heard.response !== null && !isRpcFailure(heard.response)) {
      const said = resultOf(heard, 'initialize', true)
      const { protocolVersion } = said
      if (!isSessionVersion(protocolVersion)) throw unknownVersion(protocolVersion)
      return { heard, session: httpSession(way, { said, protocolVersion, sessionId: heard.sessionId }) }
    }
    const next = newestOf(offeredIn(heard.response).filter((one) => !tried.has(one)))
    if (next === undefined) return { heard, session: null }
    version = next
  }
}

/** The versions with sessions that a refusal names, as data or in its text. */
function offeredIn(response: RpcResponse | null): string[] {
  if (response === null || !isRpcFailure(response)) return []
  const { data, message } = response.error
  const named = textsOf(isRecord(data) ? data.supported : undefined)
  return SESSION_VERSIONS.filter(
    (version) => named.includes(version) || (/version/i.test(message) && message.includes(version)),
  )
}

function newestOf(versions: string[]): string | undefined {
  return SESSION_VERSIONS.find((version) => versions.includes(version))
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string').slice(0, 50) : []
}
