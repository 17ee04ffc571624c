import type { RpcId } from '#mcp/json-rpc.ts'

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

export interface CallRegistry {
  /** `null` when the agent has too many calls under way. */
  start(agentId: string, sessionId: string, requestId: RpcId): RunningCall | null
  /** Answers whether the call runs in this process. */
  cancel(sessionId: string, requestId: RpcId): boolean
  stopAll(reason: StopReason): void
  readonly running: number
  /** Resolves when no call is under way. */
  idle(): Promise<void>
}

export function createCallRegistry(maxPerAgent = MAX_CALLS_PER_AGENT): CallRegistry {
  const calls = new Map<string, RunningCall>()
  const running = new Set<RunningCall>()
  const perAgent = new Map<string, number>()
  let waiting: (() => void)[] = []
  // A string and a number are different ids in JSON-RPC.
  const keyOf = (sessionId: string, id: RpcId) => `${sessionId}:${typeof id}:${id}`

  return {
    start(agentId, sessionId, requestId) {
      const count = perAgent.get(agentId) ?? 0
      if (count >= maxPerAgent) return null
      perAgent.set(agentId, count + 1)
      const key = keyOf(sessionId, requestId)
      const controller = new AbortController()
      const call: RunningCall = {
        signal: controller.signal,
        stop: (reason) => controller.abort(new CallStopped(reason)),
        release() {
          if (!running.delete(call)) return
          if (calls.get(key) === call) calls.delete(key)
          const left = (perAgent.get(agentId) ?? 1) - 1
          if (left > 0) perAgent.set(agentId, left)
          else perAgent.delete(agentId)
          if (running.size > 0) return
          for (const resolve of waiting) resolve()
          waiting = []
        },
      }
      calls.set(key, call)
      running.add(call)
      return call
    },
    cancel(sessionId, requestId) {
      const call = calls.get(keyOf(sessionId, requestId))
      call?.stop('cancelled')
      return call !== undefined
    },
    stopAll(reason) {
      for (const call of running) call.stop(reason)
    },
    get running() {
      return running.size
    },
    async idle() {
      if (running.size > 0) await new Promise<void>((resolve) => waiting.push(resolve))
    },
  }
}
