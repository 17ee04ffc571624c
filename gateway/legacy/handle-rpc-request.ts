import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { answerList } from '#gateway/lists/answer-list.ts'
import { type CallAnswer, callTool } from '#gateway/relay/call-tool.ts'
import { complete, getPrompt, relayResource } from '#gateway/relay/relay-request.ts'
import {
  isRpcFailure,
  RPC_METHOD_NOT_FOUND,
  type RpcRequest,
  type RpcResponse,
  rpcFailure,
} from '#mcp/json-rpc.ts'
import { clientSide } from './client-side.ts'
import type { Session } from './require-session.ts'
import { setLogLevel } from './set-log-level.ts'
import { subscribe } from './subscribe.ts'

/** A request within a session. */
export async function handleRpcRequest(
  context: GatewayContext,
  agent: AgentRequest,
  session: Session,
  request: RpcRequest,
): Promise<void> {
  const { id, method } = request
  const { reply } = agent
  if (method === 'ping') return reply.json(200, `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{}}`)
  const client = clientSide(context, agent, session)
  const answer: CallAnswer = {
    client,
    scope: session.id,
    finish: ({ response }) => reply.finish(withoutStatelessWords(response)),
  }
  switch (method) {
    case 'tools/call':
      return callTool(context, agent, request, answer)
    case 'tools/list':
      return answerList(context, agent, request, 'tools', client)
    case 'prompts/list':
      return answerList(context, agent, request, 'prompts', client)
    case 'prompts/get':
      return getPrompt(context, agent, request, answer)
    case 'resources/list':
      return answerList(context, agent, request, 'resources', client)
    case 'resources/templates/list':
      return answerList(context, agent, request, 'resourceTemplates', client)
    case 'resources/read':
      return relayResource(context, agent, request, answer)
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return subscribe(context, agent, session, request)
    case 'completion/complete':
      return complete(context, agent, request, answer)
    case 'logging/setLevel':
      return setLogLevel(context, agent, session, request)
    default: {
      const text = `Method not found: ${method.slice(0, 100)}`
      return reply.json(200, rpcFailure(id, RPC_METHOD_NOT_FOUND, text))
    }
  }
}

/** A server of the stateless era adds members to its results that mean nothing here. */
function withoutStatelessWords(response: RpcResponse): RpcResponse {
  if (isRpcFailure(response) || response.result.resultType === undefined) return response
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...result } = response.result
  return { ...response, result }
}
