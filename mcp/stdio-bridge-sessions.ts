import { randomUUID } from 'node:crypto'
import { ShortLivedMap } from '#mcp/short-lived-map.ts'
import type { RpcId } from './json-rpc.ts'
import type { ChildRequest } from './stdio-bridge-child.ts'

export type BridgeSession = {
  readonly id: string
  readonly protocolVersion: string
  lastUsedAt: number
  /** Requests on their way to the child, by the client's own id. */
  readonly inFlight: ShortLivedMap<RpcId, ChildRequest>
  /** Resource URIs whose updates this session asked for. */
  readonly subscriptions: Set<string>
  /** Writes one message to the session's GET stream, and ends that stream; null while there is none. */
  stream: { write(data: string): void; end(): void } | null
}

export type SessionTable = {
  /** Null when all `maxSessions` are in use. */
  open(protocolVersion: string): BridgeSession | null
  get(id: string): BridgeSession | undefined
  end(session: BridgeSession): void
  endAll(): void
  values(): Iterable<BridgeSession>
  size(): number
}

/**
 * Sessions of one bridge. Clients often leave without a DELETE, so idle ones end after `idleMs`, and when the table is full the
 * one idle for longest makes room; its client gets 404 and initialises again, as the specification has it.
 */
export function createSessionTable(options: {
  maxSessions: number
  idleMs: number
  onEnd(session: BridgeSession): void
}): SessionTable {
  const sessions = new Map<string, BridgeSession>()
  const sweeper = setInterval(() => {
    const oldest = Date.now() - options.idleMs
    for (const session of sessions.values()) {
      if (isIdle(session) && session.lastUsedAt < oldest) end(session)
    }
  }, 30_000)
  sweeper.unref()

  function end(session: BridgeSession): void {
    if (!sessions.delete(session.id)) return
    for (const request of session.inFlight.values()) request.cancel('The session ended.')
    session.inFlight.clear()
    session.stream?.end()
    options.onEnd(session)
  }

  function makeRoom(): boolean {
    if (sessions.size < options.maxSessions) return true
    let candidate: BridgeSession | null = null
    for (const session of sessions.values()) {
      if (isIdle(session) && (candidate === null || session.lastUsedAt < candidate.lastUsedAt))
        candidate = session
    }
    if (candidate === null) return false
    end(candidate)
    return true
  }

  return {
    open(protocolVersion) {
      if (!makeRoom()) return null
      const session: BridgeSession = {
        id: randomUUID(),
        protocolVersion,
        lastUsedAt: Date.now(),
        inFlight: new ShortLivedMap(),
        subscriptions: new Set(),
        stream: null,
      }
      sessions.set(session.id, session)
      return session
    },
    get(id) {
      const session = sessions.get(id)
      if (session !== undefined) session.lastUsedAt = Date.now()
      return session
    },
    end,
    endAll() {
      clearInterval(sweeper)
      for (const session of [...sessions.values()]) end(session)
    },
    values: () => sessions.values(),
    size: () => sessions.size,
  }
}

function isIdle(session: BridgeSession): boolean {
  return session.inFlight.size === 0 && session.stream === null
}
