import type { StreamMessage } from '#contracts/events.ts'
import type { ToolberthClient } from './create-client.ts'

export interface StatusMessagesOptions {
  /** Of a query's answer, so that nothing between the query and the stream is missed; left out: from now. */
  cursor?: string
  /** Only events about this server or agent; left out: everything one may see. */
  serverId?: string
  agentId?: string
  /** Ends the stream; the loop throws the signal's reason. */
  signal?: AbortSignal
}

/**
 * `status.stream` as an async iterable. First `hello`, then one `event` per change, in order, through lost connections and
 * restarts; `reset` says that events were missed, so what was queried has to be queried anew. Leaving the loop closes the stream.
 */
export async function* statusMessages(
  client: ToolberthClient,
  { signal, ...input }: StatusMessagesOptions = {},
): AsyncGenerator<StreamMessage, void> {
  signal?.throwIfAborted()
  const stream: { waiting: StreamMessage[]; failure: { error: unknown } | null; over: boolean } = {
    waiting: [],
    failure: null,
    over: false,
  }
  let wake: () => void = () => undefined
  const change = (apply: () => void) => {
    apply()
    wake()
  }
  const subscription = client.status.stream.subscribe(input, {
    onData: ({ data }) => change(() => stream.waiting.push(data)),
    onError: (error) => change(() => (stream.failure = { error })),
    onComplete: () => change(() => (stream.over = true)),
  })
  const abort = () => wake()
  signal?.addEventListener('abort', abort)
  try {
    for (;;) {
      signal?.throwIfAborted()
      const next = stream.waiting.shift()
      if (next) yield next
      else if (stream.failure) throw stream.failure.error
      else if (stream.over) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    subscription.unsubscribe()
  }
}
