import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import type { GatewayConnection } from '#contracts/gateway.ts'
import { answerUnauthorized } from '#gateway/answer-unauthorized.ts'
import { CallStopped } from '#gateway/call-registry.ts'
import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { capsOf, limitCall } from '#gateway/limit-call.ts'
import type { AgentView } from '#gateway/lists/agent-view.ts'
import { type CallEnd, endOfAnswer, endOfError } from '#gateway/record-call.ts'
import { describeFailure, UpstreamError } from '#gateway/upstream/error.ts'
import {
  RPC_INTERNAL_ERROR,
  RPC_INVALID_PARAMS,
  type RpcFailure,
  type RpcId,
  type RpcResponse,
  rpcFailure,
} from '#mcp/json-rpc.ts'

export interface Call {
  /** What keeps the ids of two clients apart: the session, or the request itself where there is none. */
  scope: string
  id: RpcId
  connection: GatewayConnection
  /** As the agent names what it asks for; begins the words of a failure. */
  name: string
  /** Whether the agent's new rights still allow it. */
  stillMay: (view: AgentView) => boolean
  /** What the agent is told when they do not. */
  gone: () => RpcFailure
  /** Told of its end, for the log of calls. */
  onEnd?: (end: CallEnd) => void
}

/**
 * Runs `work` as a call of the agent: counted, stopped when the client goes, cancels or loses its right, and its failures answered in
 * words. Errors that are none of the way are thrown.
 */
export async function runCall(
  context: GatewayContext,
  agent: AgentRequest,
  input: Call,
  work: (signal: AbortSignal) => Promise<RpcResponse>,
): Promise<void> {
  const { reply, view } = agent
  const { id, name, connection } = input
  const { agentId } = view.rights
  if (await limitCall(context, agent, connection, id, name)) return
  const call = context.calls.start(agentId, input.scope, id, capsOf(view.rights, connection))
  if (call === null) {
    context.metrics.countRefusal('running')
    agent.log.outcome = 'TOO_MANY_CALLS'
    return reply.json(200, describeFailure(id, name, new UpstreamError('TOO_MANY_CALLS', 'agent')))
  }
  const stopWatching = context.rights.watch(agent.tokenHash, (current) => {
    if (current === null) call.stop('revoked')
    else if (!input.stillMay(current)) call.stop('connection-ended')
  })
  reply.onClientGone(() => call.stop('client-gone'))
  let end: CallEnd = { outcome: 'failed', code: 'INTERNAL' }
  try {
    end = endOfAnswer(await work(call.signal))
  } catch (error) {
    end = endOfError(error)
    answerFailure(context, agent, input, error)
  } finally {
    stopWatching()
    call.release()
    input.onEnd?.(end)
  }
}

function answerFailure(context: GatewayContext, agent: AgentRequest, call: Call, error: unknown): void {
  const { reply } = agent
  const { id, name } = call
  if (error instanceof CallStopped) {
    agent.log.outcome = error.reason
    if (error.reason === 'revoked') return answerUnauthorized(reply, id)
    if (error.reason === 'connection-ended') return reply.finish(call.gone())
    if (error.reason === 'shutdown') {
      const text = `${name}: The gateway is shutting down. Call again.`
      return reply.finish(
        rpcFailure(id, RPC_INTERNAL_ERROR, text, { code: 'UPSTREAM_UNAVAILABLE', retryable: true }),
      )
    }
    // A cancelled request gets no answer (specification, "Cancellation"); an empty stream ends the exchange.
    reply.openStream()
    return reply.end()
  }
  if (error instanceof UpstreamError) {
    agent.log.outcome = error.code
    context.logger.info(
      { agentId: agent.view.rights.agentId, tool: name, code: error.code, detail: error.detail },
      'call failed',
    )
    return reply.finish(describeFailure(id, name, error))
  }
  throw error
}

export function unknownTool(id: RpcId, name: string): RpcFailure {
  const { text, action } = ERROR_CATALOGUE.TOOL_UNKNOWN
  const data = { code: 'TOOL_UNKNOWN', retryable: false }
  return rpcFailure(id, RPC_INVALID_PARAMS, `Unknown tool: ${name}. ${text} ${action}`, data)
}
