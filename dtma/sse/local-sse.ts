import { Agent } from 'undici'
import { AgentFailure } from '#dtma/agent-failure.ts'
import type { McpTarget } from '#dtma/instances/runner-types.ts'
import { createSseRelay } from './sse-relay.ts'

/** A call may take long; an end of the server ends its streams anyway. */
const SILENCE_MS = 15 * 60_000

/** The way to an SSE server of this toolbox, until `signal` aborts. */
export function openLocalSse(
  address: { host: string; port: number; path: string },
  signal: AbortSignal,
): McpTarget {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  const dispatcher = new Agent({ headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS })
  const relay = createSseRelay({
    url: new URL(address.path, `http://${host}:${address.port}`),
    headers: { host: `localhost:${address.port}` },
    dispatcher,
    wrap: (error) =>
      new AgentFailure('UPSTREAM_FAILED', `The MCP server did not answer: ${(error as Error).message}`),
  })
  signal.addEventListener(
    'abort',
    () => {
      relay.close('The MCP server was stopped.')
      void dispatcher.destroy()
    },
    { once: true },
  )
  return { kind: 'relay', relay }
}
