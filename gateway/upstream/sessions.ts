import type { GatewayToolbox } from '#contracts/gateway.ts'
import { USER_HEADERS } from '#mcp/user-headers.ts'
import type { ToolboxDispatchers } from './dispatchers.ts'
import { UpstreamError } from './error.ts'
import { deleteSession, type Endpoint } from './http.ts'
import { initializeUpstream, type UpstreamHandshake } from './initialize.ts'

/** Sessions of one process; the longest idle one makes room for a new one. */
const MAX_SESSIONS = 2000
/** Calls under way at one instance from this process: a server that hangs holds no more than these. */
const MAX_CALLS_PER_INSTANCE = 64
/** A session without calls is ended after this, milliseconds. */
const IDLE_MS = 10 * 60_000
/** Ending sessions is a courtesy that must not hold up a shutdown, milliseconds. */
const END_TIMEOUT_MS = 1000

/** One agent at one instance. */
export interface UpstreamTarget {
  agentId: string
  instanceId: string
  toolbox: GatewayToolbox
  /** The owner's own headers for this server, as the toolbox takes them; null for none. */
  userHeaders: string | null
}

export interface UpstreamLease {
  readonly session: UpstreamHandshake
  readonly endpoint: Endpoint
  /** Ids of requests to the server: of this session alone. */
  nextId(): number
  /** Says that the server no longer knows the session: the next lease makes a new one. */
  lost(): void
  release(): void
}

export interface UpstreamSessions {
  /** The session of this agent at this instance, made when there is none. Throws UpstreamError. */
  lease(target: UpstreamTarget): Promise<UpstreamLease>
  /** Ends what was idle for a while. */
  reap(): Promise<void>
  /** Ends every session. */
  close(): Promise<void>
  readonly size: number
}

interface Slot {
  target: UpstreamTarget
  handshake: Promise<UpstreamHandshake>
  calls: number
  usedAt: number
  lastId: number
}

/** MCP sessions with servers, one per agent and instance, so that no server mixes up two agents. */
export function createUpstreamSessions(
  dispatchers: ToolboxDispatchers,
  options: { maxSessions?: number; maxCallsPerInstance?: number; idleMs?: number | undefined } = {},
): UpstreamSessions {
  const slots = new Map<string, Slot>()
  const callsByInstance = new Map<string, number>()
  const maxSessions = options.maxSessions ?? MAX_SESSIONS
  const maxCalls = options.maxCallsPerInstance ?? MAX_CALLS_PER_INSTANCE
  const idleMs = options.idleMs ?? IDLE_MS

  function endpointOf({ toolbox, instanceId, userHeaders }: UpstreamTarget): Endpoint {
    const { origin, pathname } = new URL(toolbox.url)
    const path = `${pathname.replace(/\/+$/, '')}/v1/instances/${instanceId}/mcp`
    const headers: Record<string, string> = userHeaders === null ? {} : { [USER_HEADERS]: userHeaders }
    return { dispatcher: dispatchers.get(toolbox), origin, path, headers }
  }

  // With other credentials it is another session: what one of them was allowed must not serve the other.
  const keyOf = ({ agentId, instanceId, userHeaders }: UpstreamTarget) =>
    `${agentId}:${instanceId}:${userHeaders ?? ''}`

  function slotFor(target: UpstreamTarget): Slot {
    const key = keyOf(target)
    const known = slots.get(key)
    if (known) {
      known.target = target
      // The map's order is that of use.
      slots.delete(key)
      slots.set(key, known)
      return known
    }
    if (slots.size >= maxSessions) makeRoom()
    const slot: Slot = {
      target,
      handshake: initializeUpstream(endpointOf(target)),
      calls: 0,
      usedAt: Date.now(),
      lastId: 0,
    }
    slots.set(key, slot)
    // A handshake that failed is not kept: the next call tries again.
    slot.handshake.catch(() => forget(slot))
    return slot
  }

  function makeRoom(): void {
    for (const slot of slots.values()) {
      if (slot.calls > 0) continue
      forget(slot)
      void endSession(slot)
      return
    }
    throw new UpstreamError('TOO_MANY_CALLS', 'sessions')
  }

  function forget(slot: Slot): void {
    const key = keyOf(slot.target)
    if (slots.get(key) === slot) slots.delete(key)
  }

  async function endSession(slot: Slot): Promise<void> {
    try {
      const session = await slot.handshake
      if (session.id === null) return
      await deleteSession(endpointOf(slot.target), session, AbortSignal.timeout(END_TIMEOUT_MS))
    } catch {
      // The server is gone, or slow: it forgets the session by itself.
    }
  }

  function count(instanceId: string, by: 1 | -1): void {
    const calls = (callsByInstance.get(instanceId) ?? 0) + by
    if (calls > 0) callsByInstance.set(instanceId, calls)
    else callsByInstance.delete(instanceId)
  }

  return {
    async lease(target) {
      const { instanceId } = target
      if ((callsByInstance.get(instanceId) ?? 0) >= maxCalls)
        throw new UpstreamError('TOO_MANY_CALLS', 'server')
      const slot = slotFor(target)
      slot.calls++
      count(instanceId, 1)
      let released = false
      const release = () => {
        if (released) return
        released = true
        slot.calls--
        slot.usedAt = Date.now()
        count(instanceId, -1)
      }
      try {
        const session = await slot.handshake
        return {
          session,
          endpoint: endpointOf(target),
          nextId: () => ++slot.lastId,
          lost: () => forget(slot),
          release,
        }
      } catch (error) {
        release()
        throw error
      }
    },
    async reap() {
      const idle = [...slots.values()].filter(
        ({ calls, usedAt }) => calls === 0 && Date.now() - usedAt >= idleMs,
      )
      for (const slot of idle) forget(slot)
      await Promise.all(idle.map(endSession))
    },
    get size() {
      return slots.size
    },
    async close() {
      const all = [...slots.values()]
      slots.clear()
      await Promise.all(all.map(endSession))
    },
  }
}
