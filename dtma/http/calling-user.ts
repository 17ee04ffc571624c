import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { AgentFailure } from '#dtma/agent-failure.ts'
import type { RelayUser } from '#mcp/relay-channel.ts'
import { decodeUserEnv, USER_ENV } from '#mcp/user-env.ts'
import { decodeUserHeaders, USER_HEADERS } from '#mcp/user-headers.ts'

/** Which agent the gateway calls for. */
const AGENT = 'toolberth-agent'

/**
 * Takes what is a calling user's own out of a request of the control plane, so that it goes no further by that name. Throws
 * AgentFailure BAD_REQUEST.
 */
export function takeCallingUser(request: IncomingMessage): RelayUser {
  const agent = request.headers[AGENT]
  const agentId = typeof agent === 'string' ? agent : null
  try {
    const headers = decodeUserHeaders(request.headers[USER_HEADERS])
    const env = decodeUserEnv(request.headers[USER_ENV])
    const key = createHash('sha256').update(JSON.stringify([agentId, sorted(headers), sorted(env)]))
    return { key: key.digest('base64url'), agentId, headers, env }
  } catch (error) {
    throw new AgentFailure('BAD_REQUEST', (error as Error).message)
  } finally {
    delete request.headers[USER_HEADERS]
    delete request.headers[USER_ENV]
  }
}

const sorted = (values: Record<string, string>) => Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
