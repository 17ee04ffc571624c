import { isRecord, isRpcFailure, rpcRequest } from '#mcp/json-rpc.ts'
import { envelopeOf, STATELESS_VERSION, standardHeaders } from '#mcp/stateless.ts'
import type { ToolboxDispatchers } from './dispatchers.ts'
import { UpstreamError } from './error.ts'
import { exchange } from './exchange.ts'
import { endpointOf, type UpstreamTarget } from './target.ts'

export type Era = 'legacy' | 'modern'

/** `server/discover`, milliseconds. */
const DISCOVER_TIMEOUT_MS = 10_000
/** A server that did not know the stateless era may be another version of itself by then, milliseconds. */
const ASK_AGAIN_MS = 5 * 60_000
/** Instances remembered; more only cost a question. */
const MAX_INSTANCES = 5000

interface Known {
  /** null: not found out yet. */
  modern: Promise<Record<string, unknown> | null> | null
  modernAt: number
  /** false: it refused `initialize`, and speaks the stateless era alone. */
  sessions: boolean
  capabilities: Record<string, unknown> | null
}

/** What this process has found out about servers, by instance. */
export interface Servers {
  /** The era to speak for a client of the given one: the same wherever the server can. Throws UpstreamError. */
  era(target: UpstreamTarget, wanted: Era): Promise<Era>
  /** After a refused `initialize`: answers whether the server speaks the stateless era, and remembers that it has no sessions. */
  hasNoSessions(target: UpstreamTarget): Promise<boolean>
  /** The capabilities that the server declared last; null when it was not asked yet. */
  capabilities(instanceId: string): Record<string, unknown> | null
  noteCapabilities(instanceId: string, capabilities: Record<string, unknown>): void
}

export function createServers(dispatchers: ToolboxDispatchers): Servers {
  const servers = new Map<string, Known>()

  function known(instanceId: string): Known {
    let entry = servers.get(instanceId)
    if (entry) return entry
    if (servers.size >= MAX_INSTANCES) servers.clear()
    entry = { modern: null, modernAt: 0, sessions: true, capabilities: null }
    servers.set(instanceId, entry)
    return entry
  }

  /** The server's capabilities in the stateless era; null when it does not speak it. Failures of the way are thrown and not kept. */
  function discover(target: UpstreamTarget): Promise<Record<string, unknown> | null> {
    const entry = known(target.instanceId)
    const again = entry.modern !== null && Date.now() - entry.modernAt > ASK_AGAIN_MS
    if (entry.modern !== null && !again) return entry.modern
    entry.modernAt = Date.now()
    const asked = askDiscover(target).then((capabilities) => {
      if (capabilities !== null) entry.capabilities = capabilities
      return capabilities
    })
    entry.modern = asked
    asked.catch(() => {
      if (entry.modern === asked) entry.modern = null
    })
    return asked
  }

  async function askDiscover(target: UpstreamTarget): Promise<Record<string, unknown> | null> {
    const method = 'server/discover'
    try {
      const answer = await exchange({
        endpoint: endpointOf(dispatchers, target),
        session: { id: null, protocolVersion: STATELESS_VERSION },
        message: rpcRequest('discover', method, { _meta: envelopeOf({}) }),
        headers: standardHeaders(method, undefined),
        signal: new AbortController().signal,
        timeoutMs: DISCOVER_TIMEOUT_MS,
      })
      if (answer === 'session lost' || isRpcFailure(answer.response)) return null
      const { supportedVersions, capabilities } = answer.response.result
      if (!Array.isArray(supportedVersions) || !supportedVersions.includes(STATELESS_VERSION)) return null
      return isRecord(capabilities) ? capabilities : {}
    } catch (error) {
      // Refused because it is not understood; an error of the way, or of a right, says nothing about the era.
      const code = error instanceof UpstreamError ? error.code : null
      if (code === 'PROTOCOL_ERROR' || code === 'ENDPOINT_NOT_FOUND') return null
      throw error
    }
  }

  return {
    async era(target, wanted) {
      const entry = known(target.instanceId)
      if (wanted === 'legacy') return entry.sessions ? 'legacy' : 'modern'
      return (await discover(target)) === null ? 'legacy' : 'modern'
    },
    async hasNoSessions(target) {
      const speaks = (await discover(target)) !== null
      if (speaks) known(target.instanceId).sessions = false
      return speaks
    },
    capabilities: (instanceId) => servers.get(instanceId)?.capabilities ?? null,
    noteCapabilities(instanceId, capabilities) {
      known(instanceId).capabilities = capabilities
    },
  }
}
