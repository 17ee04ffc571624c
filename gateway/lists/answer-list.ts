import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import type { AgentList } from '#gateway/lists/agent-lists.ts'
import type { ListKind } from '#gateway/lists/catalogue.ts'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import { RPC_INVALID_PARAMS, type RpcId, type RpcRequest, rpcFailure } from '#mcp/json-rpc.ts'

/** Key of `_meta` under which a list says whose part of it is not fresh. */
const META_BACKENDS = 'toolberth/backends'

/** Answers a list of all the agent's servers. */
export async function answerList(
  context: GatewayContext,
  { reply, view }: AgentRequest,
  request: RpcRequest,
  kind: ListKind,
  client: ClientSide,
): Promise<void> {
  const list = await context.lists.get(view, kind, client)
  const text = listText(list, request, [])
  reply.json(200, text ?? badCursor(request.id))
}

/** The response as JSON text; null when the cursor is none of this list's. The list is kept as text: writing it anew would be most of the work. */
export function listText(
  { catalogue, notFresh }: AgentList,
  { id, params }: RpcRequest,
  /** Further members of the result, and of its `_meta`, as JSON text. */
  members: readonly string[],
  meta: readonly string[] = [],
): string | null {
  const cursor = params?.cursor
  const page = cursor === undefined || typeof cursor === 'string' ? catalogue.page(cursor) : null
  if (page === null) return null
  const all = [...meta]
  if (Object.keys(notFresh).length > 0) all.push(`"${META_BACKENDS}":${JSON.stringify(notFresh)}`)
  const result = [page, ...members, ...(all.length > 0 ? [`"_meta":{${all.join(',')}}`] : [])]
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${result.join(',')}}}`
}

export function badCursor(id: RpcId) {
  const text = 'This cursor is not valid (any more): list again from the start.'
  return rpcFailure(id, RPC_INVALID_PARAMS, text)
}
