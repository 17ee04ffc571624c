import { callTool } from '#gateway/call-tool.ts'
import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { RPC_INVALID_PARAMS, RPC_METHOD_NOT_FOUND, type RpcRequest, rpcFailure } from '#mcp/json-rpc.ts'
import type { Session } from './require-session.ts'

/** A request within a session. Everything but tools is unknown to this gateway, and so are all other methods. */
export async function handleRpcRequest(
  context: GatewayContext,
  agent: AgentRequest,
  session: Session,
  request: RpcRequest,
): Promise<void> {
  const { id, method } = request
  switch (method) {
    case 'ping':
      return agent.reply.json(200, resultText(id, '{}'))
    case 'tools/list':
      return listTools(agent, request)
    case 'tools/call':
      return callTool(context, agent, session, request)
    default: {
      const text = `Method not found: ${method.slice(0, 100)}`
      return agent.reply.json(200, rpcFailure(id, RPC_METHOD_NOT_FOUND, text))
    }
  }
}

function listTools({ reply, view }: AgentRequest, { id, params }: RpcRequest): void {
  const cursor = params?.cursor
  const page = cursor === undefined || typeof cursor === 'string' ? view.catalogue.page(cursor) : null
  if (page !== null) return reply.json(200, resultText(id, page))
  const text = 'This cursor is not valid (any more): list the tools again from the start.'
  reply.json(200, rpcFailure(id, RPC_INVALID_PARAMS, text))
}

/** The list is kept as text: parsing it only to write it again would be most of the work. */
function resultText(id: RpcRequest['id'], result: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`
}
