import { rpcRequest } from '#mcp/json-rpc.ts'
import type { ToolboxDispatchers } from './dispatchers.ts'
import { UpstreamError } from './error.ts'
import { exchange } from './exchange.ts'
import { deleteSession, type Endpoint } from './http.ts'
import { initializeUpstream, type UpstreamHandshake } from './initialize.ts'
import { endpointOf, type UpstreamTarget } from './target.ts'

/** Sessions of one process; the longest idle one makes room for a new one. */
const MAX_SESSIONS = 2000
/** Calls under way at one instance from this process: a server that hangs holds no more than these. */
const MAX_CALLS_PER_INSTANCE = 64
/** A session without calls is ended after this, milliseconds. */
const IDLE_MS = 10 * 60_000
/** And one that is always busy after this, as soon as it has no call: nothing lives for ever. */
const LIFETIME_MS = 12 * 60 * 60_000
/** Ending sessions is a courtesy that must not hold up a shutdown, milliseconds. */
const END_TIMEOUT_MS = 1000
/** Setting a level for logs, milliseconds. */
const LEVEL_TIMEOUT_MS = 5000

/** Whose session at a server it is, and what it declares there. */
export interface SessionUse {
  /** Equal keys share a session: an agent's id, or that of one of its own sessions. */
  key: string
  /** As a client; what is declared is relayed. */
  capabilities?: Record<string, unknown>
  /** Set at servers that log. */
  logLevel?: string | undefined
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
  /** The session for this use at this instance, made when there is none. Throws UpstreamError, or the signal's reason. */
  lease(target: UpstreamTarget, use?: SessionUse, signal?: AbortSignal): Promise<UpstreamLease>
  /** The same for a stream, which is no call: it stays open while nothing is asked. */
  leaseForStream(target: UpstreamTarget, use: SessionUse): Promise<UpstreamLease>
  /** Ends the sessions under a key: who used them is gone. */
  end(key: string): void
  /** Ends an agent's sessions at what is no longer its own (disconnected, moved, other credentials), those in use with their last call. */
  keepOnly(agentId: string, current: readonly UpstreamTarget[]): void
  /** Ends what was idle for a while. */
  reap(): Promise<void>
  /** Ends every session. */
  close(): Promise<void>
  readonly size: number
}

interface Slot {
  key: string
  owner: string
  target: UpstreamTarget
  handshake: Promise<UpstreamHandshake>
  /** What the handshake came to; null while it runs. */
  session: UpstreamHandshake | null
  calls: number
  madeAt: number
  usedAt: number
  lastId: number
  logLevel: string | undefined
  /** Its agent is not connected there any more. */
  dropped: boolean
}

/** MCP sessions with servers, one per use and instance, so that no server mixes up two agents. */
export function createUpstreamSessions(
  dispatchers: ToolboxDispatchers,
  options: { maxSessions?: number; maxCallsPerInstance?: number; idleMs?: number | undefined } = {},
): UpstreamSessions {
  const slots = new Map<string, Slot>()
  /** The one used last, which is not moved in the order of use when it is used again. */
  let newest: Slot | null = null
  const byOwner = new Map<string, Set<Slot>>()
  const callsByInstance = new Map<string, number>()
  const maxSessions = options.maxSessions ?? MAX_SESSIONS
  const maxCalls = options.maxCallsPerInstance ?? MAX_CALLS_PER_INSTANCE
  const idleMs = options.idleMs ?? IDLE_MS

  function slotFor(target: UpstreamTarget, use: SessionUse): Slot {
    const key = `${use.key}:${placeOf(target)}`
    const known = slots.get(key)
    if (known) {
      known.target = target
      if (known === newest) return known
      // The map's order is that of use.
      slots.delete(key)
      slots.set(key, known)
      newest = known
      return known
    }
    if (slots.size >= maxSessions) makeRoom()
    const slot: Slot = {
      key,
      owner: use.key,
      target,
      handshake: initializeUpstream(endpointOf(dispatchers, target), use.capabilities),
      session: null,
      calls: 0,
      madeAt: Date.now(),
      usedAt: Date.now(),
      lastId: 0,
      logLevel: undefined,
      dropped: false,
    }
    slots.set(key, slot)
    newest = slot
    const owned = byOwner.get(use.key) ?? new Set()
    byOwner.set(use.key, owned.add(slot))
    // A handshake that failed is not kept: the next call tries again.
    slot.handshake.then(
      (session) => {
        slot.session = session
      },
      () => forget(slot),
    )
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
    if (slots.get(slot.key) === slot) slots.delete(slot.key)
    if (newest === slot) newest = null
    const owned = byOwner.get(slot.owner)
    owned?.delete(slot)
    if (owned?.size === 0) byOwner.delete(slot.owner)
  }

  function endUnused(slot: Slot): void {
    if (slot.calls > 0 || slots.get(slot.key) !== slot) return
    forget(slot)
    void endSession(slot)
  }

  async function endSession(slot: Slot): Promise<void> {
    try {
      const session = await slot.handshake
      if (session.id === null) return
      await deleteSession(endpointOf(dispatchers, slot.target), session, AbortSignal.timeout(END_TIMEOUT_MS))
    } catch {
      // The server is gone, or slow: it forgets the session by itself.
    }
  }

  function count(instanceId: string, by: 1 | -1): void {
    const calls = (callsByInstance.get(instanceId) ?? 0) + by
    if (calls > 0) callsByInstance.set(instanceId, calls)
    else callsByInstance.delete(instanceId)
  }

  /** A server that refuses the level serves without it. */
  async function setLevel(slot: Slot, session: UpstreamHandshake, level: string): Promise<void> {
    slot.logLevel = level
    if (session.capabilities.logging === undefined) return
    const request = rpcRequest(++slot.lastId, 'logging/setLevel', { level })
    const signal = AbortSignal.timeout(LEVEL_TIMEOUT_MS)
    await exchange({
      endpoint: endpointOf(dispatchers, slot.target),
      session,
      message: request,
      signal,
      timeoutMs: LEVEL_TIMEOUT_MS,
    }).catch(() => {})
  }

  async function take(
    target: UpstreamTarget,
    use: SessionUse,
    onRelease: () => void,
    signal?: AbortSignal,
  ): Promise<UpstreamLease> {
    let released = false
    let slot: Slot | undefined
    const release = () => {
      if (released) return
      released = true
      onRelease()
      if (slot === undefined) return
      slot.calls--
      slot.usedAt = Date.now()
      if (slot.dropped) endUnused(slot)
    }
    try {
      const taken = slotFor(target, use)
      slot = taken
      taken.calls++
      const session = taken.session ?? (await abortable(taken.handshake, signal))
      if (use.logLevel !== undefined && use.logLevel !== taken.logLevel)
        await abortable(setLevel(taken, session, use.logLevel), signal)
      return {
        session,
        endpoint: endpointOf(dispatchers, target),
        nextId: () => ++taken.lastId,
        lost: () => forget(taken),
        release,
      }
    } catch (error) {
      release()
      throw error
    }
  }

  return {
    get size() {
      return slots.size
    },
    async lease(target, use = { key: target.agentId }, signal) {
      const { instanceId } = target
      if ((callsByInstance.get(instanceId) ?? 0) >= maxCalls)
        throw new UpstreamError('TOO_MANY_CALLS', 'server')
      count(instanceId, 1)
      return take(target, use, () => count(instanceId, -1), signal)
    },
    leaseForStream: (target, use) => take(target, use, () => {}),
    end(key) {
      for (const slot of byOwner.get(key) ?? []) {
        forget(slot)
        void endSession(slot)
      }
    },
    keepOnly(agentId, current) {
      const kept = new Set(current.map(placeOf))
      for (const slot of [...slots.values()]) {
        if (slot.target.agentId !== agentId) continue
        slot.dropped = !kept.has(placeOf(slot.target))
        if (slot.dropped) endUnused(slot)
      }
    },
    async reap() {
      const now = Date.now()
      const over = [...slots.values()].filter(
        ({ calls, usedAt, madeAt }) => calls === 0 && (now - usedAt >= idleMs || now - madeAt >= LIFETIME_MS),
      )
      for (const slot of over) forget(slot)
      await Promise.all(over.map(endSession))
    },
    async close() {
      const all = [...slots.values()]
      slots.clear()
      byOwner.clear()
      await Promise.all(all.map(endSession))
    },
  }
}

const placeOf = ({ instanceId, credentials = '' }: UpstreamTarget) => `${instanceId}:${credentials}`

/** Waits no longer than its caller does; a handshake goes on for whoever comes next. */
async function abortable<T>(waited: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return waited
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([waited, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
