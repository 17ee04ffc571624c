import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Bus, BusMessage } from '#gateway/bus.ts'
import type { Reply } from '#gateway/reply.ts'
import { classifyMessage } from '#mcp/json-rpc.ts'
import type { Resumption } from './held-calls.ts'
import { BEAT_MS } from './remote-reply.ts'
import type { HeldState } from './request-state.ts'

/** Whoever held the call and does not say so within this has ended, milliseconds. */
const FOUND_WITHIN_MS = 5000
/** The same for one that has begun to answer, milliseconds. */
const SILENCE_MS = 4 * BEAT_MS

const Outcome = z.object({
  status: z.number().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.record(z.string(), z.unknown()).optional(),
})

/** Calls that another replica holds, gone on with from here. */
export interface RemoteCalls {
  /** Resolves with whether the call was found and its answer passed on. */
  resume(state: HeldState, resumption: Resumption): Promise<boolean>
  /** What the other replica says. */
  heard(message: Extract<BusMessage, { kind: 'told' | 'resumed' }>): void
}

export function createRemoteCalls(bus: Pick<Bus, 'publish'>): RemoteCalls {
  const listeners = new Map<string, (message: Extract<BusMessage, { kind: 'told' | 'resumed' }>) => void>()
  return {
    heard: (message) => listeners.get(message.replyTo)?.(message),
    async resume(state, { agentId, callId, answers, requestId, ...resumption }) {
      const to = resumption.to()
      const replyTo = randomUUID()
      const done = Promise.withResolvers<boolean>()
      let beats = 0
      let timer = setTimeout(() => done.resolve(false), FOUND_WITHIN_MS)
      listeners.set(replyTo, (message) => {
        clearTimeout(timer)
        timer = setTimeout(() => done.resolve(false), SILENCE_MS)
        if (message.kind === 'resumed') {
          // Before the answer, whose end may be told at once: then there is nothing to cancel.
          listeners.delete(replyTo)
          passOn(to, message.outcome)
          done.resolve(message.outcome !== null)
        } else if (message.message === null) {
          // An answer that takes its time is a stream, whose keepalives hold the connection open.
          if (++beats > 1) to.openStream()
        } else {
          const told = classifyMessage(message.message)
          if (told?.kind !== 'notification') return
          void to.send(told.message)
        }
      })
      to.onClientGone(() => {
        if (!listeners.has(replyTo)) return
        bus.publish({ kind: 'cancel', sessionId: callId, requestId: state.requestId })
        done.resolve(true)
      })
      bus.publish({ kind: 'resume', heldBy: state.heldBy, agentId, callId, answers, requestId, replyTo })
      try {
        return await done.promise
      } finally {
        clearTimeout(timer)
        listeners.delete(replyTo)
      }
    },
  }
}

function passOn(to: Reply, said: unknown): void {
  const outcome = Outcome.safeParse(said)
  if (!outcome.success) return
  const { status, headers, body } = outcome.data
  const message = classifyMessage(body)
  if (message === null) {
    to.openStream()
    return to.end()
  }
  if (status === undefined || to.streaming) to.finish(message.message)
  else to.json(status, message.message, headers)
}
