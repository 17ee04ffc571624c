import { Agent } from 'node:http'
import type { McpTarget } from '#dtma/instances/runner-types.ts'

/** Connections to one server: calls, and event streams that stay open. What comes beyond waits for one that ends. */
const MAX_SOCKETS = 512
/** Of those, kept while nothing is asked. */
const MAX_IDLE_SOCKETS = 32
/**
 * Shorter than what servers keep an idle connection for (gunicorn 2 s, Node and uvicorn 5 s), so that we and not they close it and no
 * request meets its end, milliseconds. One that names a shorter time is heard by Node.
 */
const IDLE_MS = 1_500

/** The way to an HTTP server of this toolbox, over connections that are used again, until `signal` aborts. */
export function openLocalHttp(
  address: { host: string; port: number; path: string },
  signal: AbortSignal,
): Extract<McpTarget, { kind: 'http' }> {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: MAX_SOCKETS,
    maxFreeSockets: MAX_IDLE_SOCKETS,
    // The one used last: what is not needed any more gets old and goes.
    scheduling: 'lifo',
    // Ends idle connections only; a tool may think for long.
    timeout: IDLE_MS,
  })
  signal.addEventListener('abort', () => agent.destroy(), { once: true })
  return { kind: 'http', ...address, agent }
}
