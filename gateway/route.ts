import { Id } from '#contracts/names.ts'
import { AGENT_TOKEN_PATTERN } from '#contracts/tokens.ts'

export type Route =
  | { kind: 'health' }
  | { kind: 'metrics' }
  /** `token` is null when none came; `agentId` when the address names no agent. */
  | { kind: 'mcp'; agentId: string | null; token: string | null }
  | { kind: 'unknown' }

/** Reads the address and the token. A token in the path is for clients that cannot send headers; none is read from a query. */
export function readRoute(url: string, authorization: string | undefined): Route {
  const path = url.split('?', 1)[0] ?? ''
  if (path === '/healthz') return { kind: 'health' }
  if (path === '/metrics') return { kind: 'metrics' }
  const inPath = /^\/t\/([^/]+)\/mcp\/?$/.exec(path)
  if (inPath) return { kind: 'mcp', agentId: null, token: validToken(inPath[1]) }
  const named = /^\/agents\/([^/]+)\/mcp\/?$/.exec(path)
  const agentId = Id.safeParse(named?.[1]?.toLowerCase())
  if (!agentId.success) return { kind: 'unknown' }
  return { kind: 'mcp', agentId: agentId.data, token: bearer(authorization) }
}

function bearer(authorization: string | undefined): string | null {
  return validToken(/^Bearer +(\S+)$/i.exec(authorization?.trim() ?? '')?.[1])
}

/** What cannot be a token is none: no question to the database. */
function validToken(token: string | undefined): string | null {
  return token !== undefined && AGENT_TOKEN_PATTERN.test(token) ? token : null
}
