import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { RPC_INVALID_PARAMS, type RpcRequest, rpcFailure, rpcResult } from '#mcp/json-rpc.ts'
import { isLogLevel, LOG_LEVELS } from '#mcp/log-levels.ts'
import { answerStoreUnavailable, type Session } from './require-session.ts'

/** Answers `logging/setLevel`: kept with the session, and set at each server before the session's next request there. */
export async function setLogLevel(
  context: GatewayContext,
  { reply, view }: AgentRequest,
  session: Session,
  { id, params }: RpcRequest,
): Promise<void> {
  const level = params?.level
  if (!isLogLevel(level)) {
    const text = `params.level has to be one of ${LOG_LEVELS.join(', ')}.`
    return reply.json(200, rpcFailure(id, RPC_INVALID_PARAMS, text))
  }
  try {
    await context.sessions.update(view.rights.agentId, session.id, (record) => ({
      ...record,
      logLevel: level,
    }))
  } catch (error) {
    context.logger.error({ err: error }, 'a session cannot be written')
    return answerStoreUnavailable({ reply }, id)
  }
  context.bus.publish({ kind: 'session', sessionId: session.id, ended: false })
  reply.json(200, rpcResult(id, {}))
}
