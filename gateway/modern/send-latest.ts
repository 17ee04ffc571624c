import type { Reply } from '#gateway/reply.ts'
import type { RpcNotification } from '#mcp/json-rpc.ts'

export interface News {
  /** Sends the first message; what was told before follows it. */
  begin(first: RpcNotification): void
  tell(about: string, message: RpcNotification): void
}

/**
 * Sends news one after the other. While a client reads slowly, what it has not got yet and is about the same is said once, so that no
 * more waits than there are things to hear of.
 */
export function sendLatest(reply: Pick<Reply, 'send'>): News {
  const waiting = new Map<string, RpcNotification>()
  let sending = true

  async function send(first?: RpcNotification): Promise<void> {
    sending = true
    if (first !== undefined) await reply.send(first)
    for (const [about, message] of waiting) {
      waiting.delete(about)
      await reply.send(message)
    }
    sending = false
  }

  return {
    begin: (first) => void send(first),
    tell(about, message) {
      waiting.set(about, message)
      if (!sending) void send()
    },
  }
}
