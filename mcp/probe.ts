import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Agent, type Dispatcher } from 'undici'
import type { ProbeResult } from '#contracts/probe.ts'
import { CLIENT_INFO } from './client-info.ts'
import { isRecord, type RpcId } from './json-rpc.ts'
import { roundMs, type StageReport, startStageClock } from './probe-stages.ts'
import { listAllTools, type ToolList } from './probe-tools.ts'
import { probeVerdict } from './probe-verdict.ts'
import { type DeadEnd, watchedFetch } from './probe-watch.ts'

/** Ending the session is a courtesy: a server that is slow at it does not fail its probe. */
const END_SESSION_MS = 2000

export interface ProbeOptions {
  url: string
  /** Where the connection is made (the toolbox's pinned one, say); left out: one of its own, closed afterwards. */
  dispatcher?: Dispatcher | undefined
  headers?: Record<string, string> | undefined
  /** Budget of each stage in milliseconds; a stage is one of `connect`, `initialize`, `tools`. */
  timeoutMs: number
  signal?: AbortSignal | undefined
  /** Told when a stage begins, passes or fails. */
  onStage?: ((report: StageReport) => void) | undefined
}

/**
 * A whole MCP handshake with a streamable HTTP server, as a client without capabilities: connect, `initialize`, every page of
 * `tools/list`, and the session ended properly. What fails comes back as a typed failure; only an abort by `signal` throws
 * (its reason).
 */
export async function probeMcp(options: ProbeOptions): Promise<ProbeResult> {
  options.signal?.throwIfAborted()
  const startedAt = performance.now()
  const own = options.dispatcher ? null : new Agent({ connect: { timeout: options.timeoutMs } })
  const stop = Promise.withResolvers<never>()
  stop.promise.catch(() => {})
  let stopped: DeadEnd | 'timeout' | null = null
  function halt(reason: DeadEnd | 'timeout'): void {
    stopped ??= reason
    stop.reject(new Error(`The probe was stopped: ${reason}.`))
  }

  const clock = startStageClock({
    timeoutMs: options.timeoutMs,
    onTimeout: () => halt('timeout'),
    onStage: options.onStage,
  })
  const answered = new Set<RpcId>()
  const watch = watchedFetch({
    dispatcher: options.dispatcher ?? (own as Agent),
    onConnected: () => {
      if (clock.current === 'connect') clock.advance('initialize')
    },
    onDeadEnd: (reason, id) => {
      if (id === null) halt(reason)
      // The SDK reads events in microtasks of its own: give an answer that already arrived the time to be seen.
      else setImmediate(() => answered.has(id) || halt(reason))
    },
  })
  const abort = () => stop.reject(options.signal?.reason)
  options.signal?.addEventListener('abort', abort, { once: true })

  const transport = new StreamableHTTPClientTransport(new URL(options.url), {
    fetch: watch.fetch,
    requestInit: { headers: options.headers ?? {} },
  })
  let initialized: Record<string, unknown> | null = null
  transport.onmessage = (message) => {
    if (!('id' in message) || 'method' in message || message.id === undefined) return
    answered.add(message.id)
    if (initialized === null && 'result' in message) initialized = message.result
  }
  const client = new Client(CLIENT_INFO, { capabilities: {} })
  // The clock decides; the SDK's own time-out only must not come first.
  const request = { timeout: options.timeoutMs * 2 + 60_000 }

  try {
    await Promise.race([client.connect(transport, request), stop.promise])
    let list: ToolList = { tools: [], skipped: [] }
    if (client.getServerCapabilities()?.tools) {
      clock.advance('tools')
      list = await Promise.race([listAllTools(client, request), stop.promise])
    }
    clock.end('passed')
    const instructions = client.getInstructions()
    return {
      ok: true,
      protocolVersion: transport.protocolVersion ?? '',
      serverInfo: client.getServerVersion() ?? { name: '', version: '' },
      capabilities: recordOf(initialized, 'capabilities'),
      ...(instructions === undefined ? {} : { instructions }),
      tools: list.tools,
      skippedTools: list.skipped,
      stages: clock.times,
      ms: roundMs(performance.now() - startedAt),
    }
  } catch (error) {
    clock.end('failed')
    options.signal?.throwIfAborted()
    const serverVersion = (initialized as Record<string, unknown> | null)?.protocolVersion
    const failure = probeVerdict({
      stage: clock.current,
      error,
      stopped,
      exchange: watch.last,
      serverVersion: typeof serverVersion === 'string' ? serverVersion : null,
      timeoutMs: options.timeoutMs,
    })
    return { ok: false, failure, stages: clock.times, ms: roundMs(performance.now() - startedAt) }
  } finally {
    options.signal?.removeEventListener('abort', abort)
    clock.end('failed')
    await endSession(transport)
    await client.close().catch(() => {})
    await own?.destroy()
  }
}

async function endSession(transport: StreamableHTTPClientTransport): Promise<void> {
  if (transport.sessionId === undefined) return
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, END_SESSION_MS)
  await Promise.race([transport.terminateSession().catch(() => {}), late.promise])
  clearTimeout(timer)
}

function recordOf(result: Record<string, unknown> | null, key: string): Record<string, unknown> {
  const value = result?.[key]
  return isRecord(value) ? value : {}
}
