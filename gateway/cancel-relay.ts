import type { Redis } from 'ioredis'
import { z } from 'zod'

const Cancel = z.object({ sessionId: z.string(), requestId: z.union([z.string(), z.int()]) })
export type Cancel = z.infer<typeof Cancel>

export interface CancelRelay {
  /** Tells the other replicas; a lost message costs no more than a call that runs to its end. */
  publish(cancel: Cancel): Promise<void>
  close(): void
}

/**
 * A cancellation may reach another replica than the call it is for. `subscriber` is a connection for this alone, which `close` ends;
 * while Redis is away it comes back and subscribes again by itself.
 */
export async function startCancelRelay(input: {
  redis: Redis
  subscriber: Redis
  channel: string
  onCancel: (cancel: Cancel) => void
}): Promise<CancelRelay> {
  input.subscriber.on('message', (_channel, text) => {
    const parsed = Cancel.safeParse(readJson(text))
    if (parsed.success) input.onCancel(parsed.data)
  })
  await input.subscriber.subscribe(input.channel)
  return {
    async publish(cancel) {
      await input.redis.publish(input.channel, JSON.stringify(cancel))
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
