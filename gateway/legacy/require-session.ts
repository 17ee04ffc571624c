import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import {
  RPC_CONNECTION_CLOSED,
  RPC_INTERNAL_ERROR,
  RPC_REQUEST_TIMEOUT,
  type RpcId,
  rpcFailure,
} from '#mcp/json-rpc.ts'
import { isSpoken, LEGACY_VERSIONS } from './protocol-version.ts'
import type { SessionRecord } from './sessions.ts'

export type Session = SessionRecord & { id: string }

/**
 * The session that a request names. `null` after the request was answered: 400 for an unsupported version or without a session,
 * 404 for an unknown one, 503 without Redis.
 */
export async function requireSession(
  context: GatewayContext,
  agent: AgentRequest,
  id: RpcId | null,
): Promise<Session | null> {
  const version = agent.headers['mcp-protocol-version']
  if (!isSpoken(version)) {
    const named = JSON.stringify(version).slice(0, 60)
    const text = `MCP-Protocol-Version ${named} is not supported (supported: ${LEGACY_VERSIONS.join(', ')}).`
    agent.reply.json(400, rpcFailure(id, RPC_CONNECTION_CLOSED, text))
    return null
  }
  const sessionId = agent.headers['mcp-session-id']
  if (typeof sessionId !== 'string' || sessionId === '') {
    // The SDKs' servers use these two codes for the two cases, and clients know them.
    const text =
      'The header Mcp-Session-Id is missing: send "initialize" first and then the session id of its answer.'
    agent.reply.json(400, rpcFailure(id, RPC_CONNECTION_CLOSED, text))
    return null
  }
  let record: SessionRecord | null
  try {
    record = await context.sessions.touch(agent.view.rights.agentId, sessionId)
  } catch (error) {
    context.logger.error({ err: error }, 'sessions cannot be read')
    answerStoreUnavailable(agent, id)
    return null
  }
  if (record === null) {
    const text = 'This session does not exist or has ended: send "initialize" again.'
    agent.reply.json(404, rpcFailure(id, RPC_REQUEST_TIMEOUT, text))
    return null
  }
  return { ...record, id: sessionId }
}

/** 503 in words, for when Redis or Postgres is out of reach. */
export function answerStoreUnavailable(agent: Pick<AgentRequest, 'reply'>, id: RpcId | null): void {
  const { text, action } = ERROR_CATALOGUE.STORE_UNAVAILABLE
  const failure = rpcFailure(id, RPC_INTERNAL_ERROR, `${text} ${action}`, {
    code: 'STORE_UNAVAILABLE',
    retryable: true,
  })
  agent.reply.json(503, failure, { 'retry-after': '1' })
}
