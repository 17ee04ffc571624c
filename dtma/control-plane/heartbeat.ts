import type { Heartbeat, HeartbeatResponse } from '#contracts/dtma.ts'
import type { Logger } from '#dtma/logger.ts'

/** Changes within this time travel in one heartbeat. */
const DEBOUNCE_MS = 100
/** After a failure a change is not worth a call each; the next regular beat, or this, comes first. */
const RETRY_MS = 2_000

export type HeartbeatLoop = {
  /** Something changed: beat soon. */
  changed(): void
  stop(): Promise<void>
}

/**
 * Sends a heartbeat every `intervalSeconds` and soon after each change, one at a time, and hands the answers on. Failures are
 * logged when they begin and when they end.
 */
export function startHeartbeats(options: {
  intervalSeconds: number
  logger: Logger
  /** Everything but the sequence number. */
  compose(): Promise<Omit<Heartbeat, 'sequence'>>
  send(heartbeat: Heartbeat): Promise<HeartbeatResponse>
  /** Read before composing, handed back with the answer. */
  stamp(): number
  onAnswer(answer: HeartbeatResponse, stamp: number): Promise<void>
  /** May answer after how many milliseconds to beat again. */
  onFailure(error: unknown): Promise<number | null>
}): HeartbeatLoop {
  let sequence = 0
  let timer: NodeJS.Timeout | null = null
  let dueAt = Number.POSITIVE_INFINITY
  let beating: Promise<void> | null = null
  let stopped = false
  let failing = false
  let retryMs = RETRY_MS

  function schedule(delayMs: number): void {
    const at = Date.now() + delayMs
    if (stopped || at >= dueAt) return
    if (timer !== null) clearTimeout(timer)
    dueAt = at
    timer = setTimeout(fire, delayMs)
  }

  function fire(): void {
    timer = null
    dueAt = Number.POSITIVE_INFINITY
    // A beat under way may have composed before the change; its end schedules the next one.
    if (beating !== null) {
      void beating.then(() => schedule(DEBOUNCE_MS))
      return
    }
    beating = beat().finally(() => {
      beating = null
      schedule(failing ? retryMs : options.intervalSeconds * 1000)
    })
  }

  async function beat(): Promise<void> {
    try {
      const stamp = options.stamp()
      const heartbeat = { ...(await options.compose()), sequence: sequence++ }
      const answer = await options.send(heartbeat)
      if (failing) options.logger.info('heartbeats are answered again')
      failing = false
      if (!stopped) await options.onAnswer(answer, stamp)
    } catch (error) {
      if (!failing) options.logger.warn({ reason: (error as Error).message }, 'heartbeat failed')
      failing = true
      const asked = stopped ? null : await options.onFailure(error)
      retryMs = asked ?? Math.min(RETRY_MS, options.intervalSeconds * 1000)
    }
  }

  schedule(0)
  return {
    changed: () => schedule(failing ? retryMs : DEBOUNCE_MS),
    async stop() {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      await beating
    },
  }
}
