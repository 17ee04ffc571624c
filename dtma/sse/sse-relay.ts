import type { Dispatcher } from 'undici'
import { createSessionRelay, type SessionRelay } from '#mcp/session-relay.ts'
import { openSseChannel } from '#mcp/sse-channel.ts'

/** Every session keeps a stream open; below the connections that a guarded dispatcher has, so that messages find one. */
const MAX_SESSIONS = 96
const IDLE_MS = 15 * 60_000
const REQUEST_MS = 15 * 60_000
const OPEN_MS = 10_000

/**
 * Serves a server of the older HTTP+SSE transport as streamable HTTP, with a connection to it for each session. A user's headers
 * go before the server's own. `wrap` says what an open that failed is reported as.
 */
export function createSseRelay(options: {
  url: URL
  headers: Record<string, string>
  dispatcher: Dispatcher
  wrap(error: unknown): Error
}): SessionRelay {
  return createSessionRelay({
    open: ({ user, onMessage, onClose }) =>
      openSseChannel({
        url: options.url,
        headers: { ...options.headers, ...user.headers },
        dispatcher: options.dispatcher,
        timeoutMs: OPEN_MS,
        onMessage,
        onClose,
      }).catch((error: unknown) => {
        throw options.wrap(error)
      }),
    maxSessions: MAX_SESSIONS,
    idleMs: IDLE_MS,
    requestTimeoutMs: REQUEST_MS,
    maxInFlight: 64,
  })
}
