import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { isRecord, RPC_INVALID_PARAMS, type RpcRequest, rpcFailure } from '#mcp/json-rpc.ts'
import { refuse } from './refusal.ts'
import { requestDigest } from './request-state.ts'

/** Goes on with a call that waits for its client's answers, here or at another replica. */
export async function resumeCall(
  context: GatewayContext,
  { reply, view, log }: AgentRequest,
  request: RpcRequest,
  sealed: string,
): Promise<void> {
  const { id, params } = request
  const { agentId } = view.rights
  const state = context.requestStates.open(sealed)
  if (state === null || state.agentId !== agentId || state.digest !== requestDigest(request)) {
    const text = 'params.requestState is not what was given for this request: send it as it came.'
    return refuse(reply, id, { status: 200, code: RPC_INVALID_PARAMS, text })
  }
  const answers = params?.inputResponses
  if (!isRecord(answers)) {
    const text = 'params.inputResponses has to be an object: an answer for each key of inputRequests.'
    return refuse(reply, id, { status: 200, code: RPC_INVALID_PARAMS, text })
  }
  const resumption = { agentId, callId: state.callId, answers, to: () => reply, requestId: id }
  if (context.heldCalls.resume(resumption)) return
  const elsewhere = state.heldBy !== context.heldCalls.processId
  if (elsewhere && (await context.remoteCalls.resume(state, resumption))) return
  log.outcome = 'CALL_LOST'
  const { text, action, retryable } = ERROR_CATALOGUE.CALL_LOST
  reply.finish(rpcFailure(id, RPC_INVALID_PARAMS, `${text} ${action}`, { code: 'CALL_LOST', retryable }))
}
