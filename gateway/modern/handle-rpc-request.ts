import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { callTool } from '#gateway/relay/call-tool.ts'
import { complete, getPrompt, relayResource } from '#gateway/relay/relay-request.ts'
import { RPC_METHOD_NOT_FOUND, type RpcRequest } from '#mcp/json-rpc.ts'
import { answerList } from './answer.ts'
import { wrongStandardHeaders } from './check-headers.ts'
import { clientSide } from './client-side.ts'
import { discover } from './discover.ts'
import type { Envelope } from './envelope.ts'
import { listen } from './listen.ts'
import { type CallVerb, makeCall } from './make-call.ts'
import { refuse } from './refusal.ts'

/** What goes to a server, which may ask something before it answers. */
const CALLS: Readonly<Record<string, CallVerb>> = {
  'tools/call': callTool,
  'prompts/get': getPrompt,
  'resources/read': relayResource,
  'completion/complete': complete,
}

/** A request of the era without sessions: all that it needs comes with it. */
export async function handleRpcRequest(
  context: GatewayContext,
  agent: AgentRequest,
  request: RpcRequest,
  envelope: Envelope,
): Promise<void> {
  const { id, method } = request
  const { reply, headers } = agent
  const wrong = wrongStandardHeaders(headers, request)
  if (wrong !== null) return refuse(reply, id, wrong)
  const call = Object.hasOwn(CALLS, method) ? CALLS[method] : undefined
  if (call !== undefined) return makeCall(context, agent, request, { envelope, call })
  const client = clientSide(agent, envelope, null)
  switch (method) {
    case 'tools/list':
      return answerList(context, agent, request, 'tools', client)
    case 'prompts/list':
      return answerList(context, agent, request, 'prompts', client)
    case 'resources/list':
      return answerList(context, agent, request, 'resources', client)
    case 'resources/templates/list':
      return answerList(context, agent, request, 'resourceTemplates', client)
    case 'server/discover':
      return discover(context, agent, request)
    case 'subscriptions/listen':
      return listen(context, agent, request, client)
    default: {
      const text = `Method not found: ${method.slice(0, 100)}`
      return refuse(reply, id, { status: 404, code: RPC_METHOD_NOT_FOUND, text })
    }
  }
}
