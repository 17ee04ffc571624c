import type { ServerResponse } from 'node:http'
import type { Readable, Writable } from 'node:stream'
import {
  isRecord,
  isRpcFailure,
  RPC_CONNECTION_CLOSED,
  RPC_REQUEST_TIMEOUT,
  type RpcNotification,
  rpcFailure,
  rpcNotification,
} from './json-rpc.ts'
import { envelopeOf, STATELESS_VERSION } from './stateless.ts'
import { createStatelessPeer, type StatelessPeer } from './stateless-peer.ts'
import { createStdioChild } from './stdio-bridge-child.ts'
import { type BridgeRequest, createBridgeHandler, type InitializeResult } from './stdio-bridge-http.ts'
import { type BridgeSession, createSessionTable } from './stdio-bridge-sessions.ts'
import { handleStateless } from './stdio-bridge-stateless.ts'
import { LATEST_SESSION_VERSION } from './versions.ts'

export type StdioBridge = {
  /**
   * Initialises the child once, or finds that it speaks the stateless era alone. Rejects with an Error in words when its answer is
   * none, an error, or no MCP.
   */
  initialize(timeoutMs: number): Promise<void>
  /** Serves one streamable-HTTP request (specification 2025-11-25, Transports); never throws. */
  handle(request: BridgeRequest, response: ServerResponse): Promise<void>
  sessions(): number
  /** Fails all that waits with `reason` and ends every session. */
  close(reason: string): void
}

export type StdioBridgeOptions = {
  stdin: Writable
  stdout: Readable
  clientInfo: { name: string; version: string }
  /** A line of the child's stdout that is no MCP message. */
  onChatter(line: string): void
  maxSessions?: number
  /** Requests of one session that wait for the child at the same time. */
  maxInFlight?: number
  /** Characters of one message of the child. */
  maxMessageChars?: number
  sessionIdleMs?: number
  /** Longest a single request may wait for the child. */
  requestTimeoutMs?: number
}

/** Notifications about the server as a whole, which every session may see. */
const LIST_CHANGES = [
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
]

/**
 * Serves one stdio MCP server to many streamable-HTTP sessions (shared mode). The child is initialised once, without client
 * capabilities; ids and progress tokens are remapped, so that no session ever sees another's answers. Log messages and progress
 * that cannot be told apart by session are not relayed. A child of the stateless era alone serves requests of that era.
 */
export function createStdioBridge(options: StdioBridgeOptions): StdioBridge {
  const child = createStdioChild({
    stdin: options.stdin,
    stdout: options.stdout,
    maxMessageChars: options.maxMessageChars ?? 4 * 1024 * 1024,
    onChatter: (line) => options.onChatter(line),
    onNotification: relay,
  })
  const sessions = createSessionTable({
    maxSessions: options.maxSessions ?? 256,
    idleMs: options.sessionIdleMs ?? 30 * 60_000,
    onEnd: releaseSubscriptions,
  })
  const requestTimeoutMs = options.requestTimeoutMs ?? 15 * 60_000
  const maxInFlight = options.maxInFlight ?? 64
  let initialized: InitializeResult | null = null
  /** Set when the child has no sessions: all are served alike, each request by itself. */
  let stateless: StatelessPeer | null = null

  function relay(message: RpcNotification): void {
    const data = JSON.stringify(message)
    const uri = message.params?.uri
    for (const session of sessions.values()) {
      const wanted =
        LIST_CHANGES.includes(message.method) ||
        (message.method === 'notifications/resources/updated' &&
          typeof uri === 'string' &&
          session.subscriptions.has(uri))
      if (wanted) session.stream?.write(data)
    }
  }

  function isSubscribed(uri: string): boolean {
    return [...sessions.values()].some((session) => session.subscriptions.has(uri))
  }

  function releaseSubscriptions(session: BridgeSession): void {
    for (const uri of session.subscriptions) {
      if (!isSubscribed(uri)) child.request('resources/unsubscribe', { uri }, { timeoutMs: 10_000 })
    }
  }

  const handle = createBridgeHandler({
    child,
    sessions,
    initializeResult: () => initialized,
    isSubscribed,
    maxInFlight,
    requestTimeoutMs,
  })

  async function speaksStateless(timeoutMs: number): Promise<boolean> {
    const answer = await child.request('server/discover', { _meta: envelopeOf({}) }, { timeoutMs }).answer
    const versions = isRpcFailure(answer) ? [] : answer.result.supportedVersions
    return Array.isArray(versions) && versions.includes(STATELESS_VERSION)
  }

  return {
    async initialize(timeoutMs) {
      const request = child.request(
        'initialize',
        { protocolVersion: LATEST_SESSION_VERSION, capabilities: {}, clientInfo: options.clientInfo },
        { timeoutMs },
      )
      const answer = await request.answer
      if (isRpcFailure(answer)) {
        const { code, message } = answer.error
        const silent = code === RPC_REQUEST_TIMEOUT || code === RPC_CONNECTION_CLOSED
        if (silent || !(await speaksStateless(timeoutMs))) throw new Error(message)
        // All sessions together may have as many requests under way as they could have had each.
        stateless = createStatelessPeer({ child, requestTimeoutMs, maxInFlight: maxInFlight * 16 })
        return
      }
      const { result } = answer
      if (typeof result.protocolVersion !== 'string' || !isRecord(result.capabilities)) {
        throw new Error('The answer to "initialize" has no protocol version or no capabilities.')
      }
      initialized = { ...result, protocolVersion: result.protocolVersion }
      const { method, params } = rpcNotification('notifications/initialized')
      child.notify(method, params)
    },
    async handle(request, response) {
      try {
        if (stateless === null) await handle(request, response)
        else await handleStateless(stateless, request, response)
      } catch {
        if (!response.headersSent) {
          const failure = rpcFailure(null, RPC_CONNECTION_CLOSED, 'The bridge to the MCP server failed.')
          response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify(failure))
        } else response.destroy()
      }
    },
    sessions: () => sessions.size(),
    close(reason) {
      child.close(reason)
      sessions.endAll()
    },
  }
}
