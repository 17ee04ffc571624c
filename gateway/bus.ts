import type { Redis } from 'ioredis'
import { z } from 'zod'
import { isRecord } from '#mcp/json-rpc.ts'

const RequestId = z.union([z.string(), z.int()])
const Json = z.record(z.string(), z.unknown())

/** What one replica tells the others. */
const BusMessage = z.discriminatedUnion('kind', [
  /** A client cancels a request that may run elsewhere. */
  z.object({ kind: z.literal('cancel'), sessionId: z.string(), requestId: RequestId }),
  /** A client's response to a server's request that may wait elsewhere. */
  z.object({ kind: z.literal('answer'), sessionId: z.string(), response: Json }),
  /** For the stream of a client that may be open elsewhere; whoever has it says of a request that it is sent. */
  z.object({ kind: z.literal('stream'), sessionId: z.string(), message: Json }),
  z.object({ kind: z.literal('streamed'), requestId: RequestId }),
  /** A session ended, or what it subscribed to changed. */
  z.object({ kind: z.literal('session'), sessionId: z.string(), ended: z.boolean() }),
  /** A client of the stateless era goes on with a call that is held elsewhere; what comes of it goes to `replyTo`. */
  z.object({
    kind: z.literal('resume'),
    heldBy: z.string(),
    agentId: z.string(),
    callId: z.string(),
    answers: Json,
    requestId: RequestId,
    replyTo: z.string(),
  }),
  /** Meanwhile, for its client; null: the call goes on. */
  z.object({ kind: z.literal('told'), replyTo: z.string(), message: Json.nullable() }),
  /** null: the call is not held any more. */
  z.object({ kind: z.literal('resumed'), replyTo: z.string(), outcome: Json.nullable() }),
])
export type BusMessage = z.infer<typeof BusMessage>

export interface Bus {
  /** Tells the other replicas. Messages may be lost: what waits for one has a time-out. */
  publish(message: BusMessage): void
  /** Whether other replicas listen; no while Redis is away. */
  hasOthers(): Promise<boolean>
  close(): void
}

/**
 * `subscriber` is a connection for this alone, which `close` ends; while Redis is away it comes back and subscribes again by itself.
 * A replica does not hear itself.
 */
export async function startBus(input: {
  redis: Redis
  subscriber: Redis
  channel: string
  /** This process among the replicas. */
  processId: string
  onMessage: (message: BusMessage) => void
  onError: (error: unknown) => void
}): Promise<Bus> {
  input.subscriber.on('message', (channel, text) => {
    if (channel !== input.channel) return
    const json = readJson(text)
    if (!isRecord(json) || json.from === input.processId) return
    const parsed = BusMessage.safeParse(json.message)
    if (parsed.success) input.onMessage(parsed.data)
  })
  await input.subscriber.subscribe(input.channel)
  return {
    publish(message) {
      const text = JSON.stringify({ from: input.processId, message })
      input.redis.publish(input.channel, text).catch(input.onError)
    },
    async hasOthers() {
      try {
        const [, subscribers] = await input.redis.pubsub('NUMSUB', input.channel)
        return Number(subscribers) > 1
      } catch (error) {
        input.onError(error)
        return false
      }
    },
    close: () => input.subscriber.disconnect(),
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
