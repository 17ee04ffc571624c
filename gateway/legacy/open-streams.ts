import type { Reply } from '#gateway/reply.ts'
import type { Feed } from '#gateway/watch/feed.ts'

export interface OpenStream {
  reply: Reply
  feed: Feed
  /** Reads the session again: it changed, or ended. */
  refresh: () => void
}

export interface OpenStreams {
  /** Takes the place of an older stream of the session: a client that reconnects has lost that one. */
  add(sessionId: string, stream: OpenStream): void
  get(sessionId: string): OpenStream | undefined
  remove(sessionId: string, stream: OpenStream): void
  end(sessionId: string): void
  endAll(): void
  readonly size: number
}

/** The GET streams of this process, one per session. */
export function createOpenStreams(): OpenStreams {
  const streams = new Map<string, OpenStream>()
  return {
    add(sessionId, stream) {
      streams.get(sessionId)?.reply.end()
      streams.set(sessionId, stream)
    },
    get: (sessionId) => streams.get(sessionId),
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
