import { randomUUID } from 'node:crypto'
import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { type CallAnswer, callTool, headersOf } from '#gateway/relay/call-tool.ts'
import { complete, getPrompt, relayResource } from '#gateway/relay/relay-request.ts'
import { RPC_METHOD_NOT_FOUND, type RpcRequest } from '#mcp/json-rpc.ts'
import { answerList, finish } from './answer.ts'
import { wrongParamHeaders, wrongStandardHeaders } from './check-headers.ts'
import { clientSide } from './client-side.ts'
import { discover } from './discover.ts'
import type { Envelope } from './envelope.ts'
import { listen } from './listen.ts'
import { refuse } from './refusal.ts'

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
  const client = clientSide(agent, envelope)
  const answer: CallAnswer = {
    client,
    // Clients of this era may use one id for several requests at a time.
    scope: randomUUID(),
    refuse: ({ item }) => wrongParamHeaders(headers, headersOf(item), request.params?.arguments),
    finish: (forwarded) => finish(reply, request, forwarded),
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
    case 'completion/complete':
      return complete(context, agent, request, answer)
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
