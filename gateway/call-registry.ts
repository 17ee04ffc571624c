import type { RpcId } from '#mcp/json-rpc.ts'
import { ShortLivedMap } from '#mcp/short-lived-map.ts'

/** Why a call ends before its answer. */
export type StopReason = 'cancelled' | 'client-gone' | 'revoked' | 'connection-ended' | 'shutdown'

export class CallStopped extends Error {
  readonly reason: StopReason
  constructor(reason: StopReason) {
    super(`The call was stopped: ${reason}.`)
    this.name = 'CallStopped'
    this.reason = reason
  }
}

/** Calls of one agent under way in this process: an agent that loops cannot take all of a gateway's memory. */
const MAX_CALLS_PER_AGENT = 128

export interface RunningCall {
  readonly signal: AbortSignal
  stop(reason: StopReason): void
  release(): void
}

/** How many calls may be under way at once in one process; null: the default, or no limit for a connection. */
export interface CallCaps {
  agent: number | null
  connection: { id: string; max: number | null } | null
}

export interface CallRegistry {
  /** `null` when the agent or the connection has too many calls under way. */
  start(agentId: string, sessionId: string, requestId: RpcId, caps?: CallCaps): RunningCall | null
  /** Answers whether the call runs in this process. */
  cancel(sessionId: string, requestId: RpcId): boolean
  stopAll(reason: StopReason): void
  readonly running: number
  /** Resolves when no call is under way. */
  idle(): Promise<void>
}

export function createCallRegistry(maxPerAgent = MAX_CALLS_PER_AGENT): CallRegistry {
  /** By a number of this process. */
  const running = new ShortLivedMap<number, { key: string; call: RunningCall }>()
  let lastNumber = 0
  /** By agent and by connection. */
  const counts = new Map<string, number>()
  let waiting: (() => void)[] = []
  // A string and a number are different ids in JSON-RPC.
  const keyOf = (sessionId: string, id: RpcId) => `${sessionId}:${typeof id}:${id}`

  return {
    start(agentId, sessionId, requestId, caps) {
      if (isFull(counts, agentId, caps?.agent ?? maxPerAgent)) return null
      // Only what has a limit is counted.
      const limited = caps?.connection?.max == null ? null : caps.connection.id
      if (limited !== null && isFull(counts, limited, caps?.connection?.max ?? null)) return null
      count(counts, agentId, 1)
      if (limited !== null) count(counts, limited, 1)
      const number = ++lastNumber
      const controller = new AbortController()
      const call: RunningCall = {
        signal: controller.signal,
        // What ends an answered call, as the end of its connection does, finds nothing to stop.
        stop: (reason) => void (running.has(number) && controller.abort(new CallStopped(reason))),
        release() {
          if (!running.delete(number)) return
          count(counts, agentId, -1)
          if (limited !== null) count(counts, limited, -1)
          if (running.size > 0) return
          for (const resolve of waiting) resolve()
          waiting = []
        },
      }
      running.set(number, { key: keyOf(sessionId, requestId), call })
      return call
    },
    cancel(sessionId, requestId) {
      const key = keyOf(sessionId, requestId)
      const found = running.values().findLast((one) => one.key === key)
      found?.call.stop('cancelled')
      return found !== undefined
    },
    stopAll(reason) {
      for (const { call } of running.values()) call.stop(reason)
    },
    get running() {
      return running.size
    },
    async idle() {
      if (running.size > 0) await new Promise<void>((resolve) => waiting.push(resolve))
    },
  }
}

function isFull(counts: ReadonlyMap<string, number>, key: string, max: number | null): boolean {
  return max !== null && (counts.get(key) ?? 0) >= max
}

function count(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const left = (counts.get(key) ?? 0) + by
  if (left > 0) counts.set(key, left)
  else counts.delete(key)
}
