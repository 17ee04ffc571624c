import type { Agent, Dispatcher } from 'undici'
import type { GatewayToolbox } from '#contracts/gateway.ts'
import type { Identity } from '#protocol/identity.ts'
import { createPinnedDispatcher } from '#protocol/pinned-dispatcher.ts'

/** A toolbox on the same continent answers a TLS handshake far below this; beyond it calls of others would pile up. */
const CONNECT_TIMEOUT_MS = 5000
/**
 * Sockets per toolbox. Calls are bounded per instance first, so that one slow server cannot take them all; streams stay open while
 * nothing is said, so they are apart and take none from calls.
 */
const MAX_SOCKETS = { calls: 256, streams: 2048 }
export type Purpose = keyof typeof MAX_SOCKETS
/** A toolbox that nobody calls keeps no sockets, milliseconds. */
const IDLE_MS = 10 * 60_000

interface Pooled {
  certificate: string
  agent: Agent
  usedAt: number
}

export interface ToolboxDispatchers {
  /** The mTLS connections to a toolbox, made anew when its address or key changed. */
  get(toolbox: Pick<GatewayToolbox, 'id' | 'url' | 'certificate'>, purpose?: Purpose): Dispatcher
  /** Closes the connections of toolboxes that were not called for a while. */
  reap(): void
  close(): Promise<void>
}

/** One pool of pinned connections per toolbox. Time-outs of answers are the caller's: a tool may take minutes. */
export function createToolboxDispatchers(identity: Identity): ToolboxDispatchers {
  const pool = new Map<string, Pooled>()

  return {
    get({ id, url, certificate }, purpose = 'calls') {
      // By address too: when a toolbox moves, calls that began end where they are.
      const key = `${purpose} ${id} ${url}`
      const known = pool.get(key)
      if (known && known.certificate === certificate) {
        known.usedAt = Date.now()
        return known.agent
      }
      // Calls under way on the old connections end by themselves.
      if (known) void known.agent.close().catch(() => {})
      const agent = createPinnedDispatcher({
        serverCertificate: certificate,
        clientIdentity: identity,
        connections: MAX_SOCKETS[purpose],
        timeouts: { connect: CONNECT_TIMEOUT_MS, headers: 0, body: 0 },
      })
      pool.set(key, { certificate, agent, usedAt: Date.now() })
      return agent
    },
    reap() {
      for (const [key, { agent, usedAt }] of pool) {
        if (Date.now() - usedAt < IDLE_MS) continue
        pool.delete(key)
        void agent.close().catch(() => {})
      }
    },
    async close() {
      const agents = [...pool.values()].map(({ agent }) => agent.destroy())
      pool.clear()
      await Promise.all(agents)
    },
  }
}
