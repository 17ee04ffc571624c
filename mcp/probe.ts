import { isIP } from 'node:net'
import type { ProbeFailure, ProbeResult, ProbeTransport } from '#contracts/probe.ts'
import { isRecord } from './json-rpc.ts'
import { demandInWords, withMetadata } from './probe-auth.ts'
import { type Connector, openProbeConnection } from './probe-connection.ts'
import { ProbeError } from './probe-error.ts'
import { newBudget, type ProbeWay } from './probe-exchange.ts'
import { readLists } from './probe-lists.ts'
import { negotiate } from './probe-negotiate.ts'
import { findUsualPath } from './probe-paths.ts'
import type { ProbeSession } from './probe-session.ts'
import { roundMs, type StageClock, type StageReport, startStageClock } from './probe-stages.ts'
import { toProbeFailure } from './probe-verdict.ts'

export interface ProbeOptions {
  url: string
  /** Makes the connections (the toolbox's pinned one, or one that guards addresses). Each probe makes and ends its own. */
  connector?: Connector | undefined
  headers?: Record<string, string> | undefined
  /** `any` (the default): streamable HTTP, and the older SSE where a server refuses that. */
  transport?: ProbeTransport | 'any' | undefined
  /** False where `url` is not the server's own but that of who passes requests on to it: nothing else is asked of its host then. */
  direct?: boolean | undefined
  /** Budget of each stage in milliseconds; all together have three times as much. */
  timeoutMs: number
  signal?: AbortSignal | undefined
  /** Told when a stage begins, passes or fails. */
  onStage?: ((report: StageReport) => void) | undefined
}

/**
 * A whole MCP handshake in the era and over the transport that the server speaks, as a client without capabilities: connect, agree
 * on a version, read every page of its lists, and end the session. What fails comes back as a typed failure; only an abort by
 * `signal` throws (its reason).
 */
export async function probeMcp(options: ProbeOptions): Promise<ProbeResult> {
  const { signal, timeoutMs } = options
  signal?.throwIfAborted()
  const startedAt = performance.now()
  const url = new URL(options.url)
  const byAddress = isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0
  const clock = startStageClock({
    first: byAddress ? 'connect' : 'resolve',
    timeoutMs,
    signal,
    onStage: options.onStage,
  })
  const secure = url.protocol === 'https:'
  const dispatcher = openProbeConnection(options.connector, {
    onResolved: () => clock.current === 'resolve' && clock.advance('connect'),
    onConnected: () => secure && clock.advance('tls'),
    onReady: () => clock.advance('protocol'),
  })
  const way: ProbeWay = { url, headers: options.headers ?? {}, dispatcher, budget: newBudget() }
  const transport = options.transport ?? 'any'
  const ended = () => ({ stages: clock.times, ms: roundMs(performance.now() - startedAt) })
  let session: ProbeSession | null = null
  try {
    session = await negotiate({
      way,
      transport: options.direct === false ? 'streamable-http' : transport,
      timeoutMs,
      onNext: () => clock.restart(),
      signal: () => clock.signal,
    })
    const found = await readServer(session, clock)
    clock.end('passed')
    return { ok: true, ...found, ...ended() }
  } catch (error) {
    const { current } = clock
    clock.end('failed')
    signal?.throwIfAborted()
    const failure = toProbeFailure(error, current, timeoutMs)
    if (options.direct !== false) await explain(failure, error, { way, transport, options })
    return { ok: false, failure, ...ended() }
  } finally {
    clock.end('failed')
    await session?.end()
    await dispatcher.destroy()
  }
}

async function readServer(session: ProbeSession, clock: StageClock) {
  clock.advance('capabilities')
  await session.begin(clock.signal)
  const { said } = session
  const capabilities = isRecord(said.capabilities) ? said.capabilities : {}
  const lists = await readLists(session, capabilities, clock)
  return {
    transport: session.transport,
    era: session.era,
    protocolVersion: session.protocolVersion,
    supportedVersions: [...session.supportedVersions],
    serverInfo: serverInfoOf(said),
    capabilities,
    ...(typeof said.instructions === 'string' && { instructions: said.instructions }),
    ...lists,
  }
}

/** In the stateless era a server may say who it is in the metadata of its answer. */
function serverInfoOf(said: Record<string, unknown>): { name: string; version: string } {
  const meta = isRecord(said._meta) ? said._meta['io.modelcontextprotocol/serverInfo'] : undefined
  const info = isRecord(said.serverInfo) ? said.serverInfo : isRecord(meta) ? meta : {}
  const { name, version } = info
  return {
    ...info,
    name: typeof name === 'string' ? name : '',
    version: typeof version === 'string' ? version : '',
  }
}

/** Adds to a failure what can be found out about its remedy: who issues tokens, or where MCP is spoken. */
async function explain(
  failure: ProbeFailure,
  error: unknown,
  probed: { way: ProbeWay; transport: ProbeTransport | 'any'; options: ProbeOptions },
): Promise<void> {
  const { way, transport, options } = probed
  if (failure.auth) {
    const { resourceMetadata } = failure.auth
    const own = resourceMetadata !== undefined && new URL(resourceMetadata).origin === way.url.origin
    // Another host is asked only by a connector that guards addresses.
    if (own || options.connector !== undefined)
      failure.auth = await withMetadata(failure.auth, way.dispatcher)
    const words = demandInWords(failure.auth)
    if (words !== null) failure.message = `${failure.message} ${words}`
    return
  }
  const { code, stage } = failure
  if (stage !== 'protocol' || (code !== 'ENDPOINT_NOT_FOUND' && code !== 'NOT_AN_MCP_SERVER')) return
  const location = error instanceof ProbeError ? error.verdict.location : undefined
  const works = await findUsualPath(way, { transport, location }, options.signal)
  if (works === null) return
  failure.works = works
  const by = works.transport === 'sse' ? ' over the older SSE transport' : ''
  failure.message = `${failure.message} It does speak MCP at ${works.url}${by}.`
}
