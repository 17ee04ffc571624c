import type { Reply } from '#gateway/reply.ts'
import { rpcNotification } from '#mcp/json-rpc.ts'

interface OpenStream {
  reply: Reply
}

export interface OpenStreams {
  /** Takes the place of an older stream of the session: a client that reconnects has lost that one. */
  add(sessionId: string, reply: Reply): OpenStream
  remove(sessionId: string, stream: OpenStream): void
  end(sessionId: string): void
  endAll(): void
  readonly size: number
}

/** The GET streams of this process, one per session. */
export function createOpenStreams(): OpenStreams {
  const streams = new Map<string, OpenStream>()
  return {
    add(sessionId, reply) {
      streams.get(sessionId)?.reply.end()
      const stream = { reply }
      streams.set(sessionId, stream)
      return stream
    },
    remove(sessionId, stream) {
      if (streams.get(sessionId) === stream) streams.delete(sessionId)
    },
    end(sessionId) {
      streams.get(sessionId)?.reply.end()
    },
    endAll() {
      for (const { reply } of streams.values()) reply.end()
    },
    get size() {
      return streams.size
    },
  }
}

export const TOOLS_CHANGED = rpcNotification('notifications/tools/list_changed')
