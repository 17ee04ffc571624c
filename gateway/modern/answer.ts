import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { badCursor, listText } from '#gateway/lists/answer-list.ts'
import type { ListKind } from '#gateway/lists/catalogue.ts'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import type { Forwarded } from '#gateway/relay/forward-types.ts'
import type { Reply } from '#gateway/reply.ts'
import { CLIENT_INFO } from '#mcp/client-info.ts'
import {
  isRecord,
  isRpcFailure,
  RPC_INVALID_PARAMS,
  type RpcFailure,
  type RpcRequest,
  type RpcResponse,
  rpcFailure,
  rpcResult,
} from '#mcp/json-rpc.ts'
import { META_SERVER_INFO, RPC_MISSING_CAPABILITY } from '#mcp/stateless.ts'

/** How long a list counts as fresh with whoever asked, milliseconds: rights change at any time, and a list is cheap. */
const LIST_TTL_MS = 5000
/** What was made for one agent is nobody else's, whatever its server says of it. */
const CACHE_SCOPE = 'private'
/** Of the era of sessions: a resource that does not exist. */
const RPC_RESOURCE_NOT_FOUND = -32002

const LIST_MEMBERS = [`"resultType":"complete"`, `"ttlMs":${LIST_TTL_MS}`, `"cacheScope":"${CACHE_SCOPE}"`]
const LIST_META = [`"${META_SERVER_INFO}":${JSON.stringify(CLIENT_INFO)}`]

/** Answers a list of all the agent's servers. */
export async function answerList(
  context: GatewayContext,
  { reply, view }: AgentRequest,
  request: RpcRequest,
  kind: ListKind,
  client: ClientSide,
): Promise<void> {
  const list = await context.lists.get(view, kind, client)
  reply.json(200, listText(list, request, LIST_MEMBERS, LIST_META) ?? badCursor(request.id))
}

/** A result of our own that may be kept for a while. */
export function ownResult(
  id: RpcRequest['id'],
  result: Record<string, unknown>,
  ttlMs = LIST_TTL_MS,
): RpcResponse {
  return rpcResult(id, {
    resultType: 'complete',
    ...result,
    ttlMs,
    cacheScope: CACHE_SCOPE,
    _meta: { [META_SERVER_INFO]: CLIENT_INFO },
  })
}

/** The last message of a request, with what this era requires of a result whatever the era of its server. */
export function finish(reply: Reply, request: RpcRequest, { response, status }: Forwarded): void {
  if (!isRpcFailure(response)) {
    const { result } = response
    return reply.finish({
      ...response,
      result: {
        ...(result.resultType === undefined && { resultType: 'complete' }),
        ...result,
        ...(request.method === 'resources/read' &&
          result.resultType !== 'input_required' &&
          cacheHints(result)),
      },
    })
  }
  const failure = request.method === 'resources/read' ? notFound(response, request) : response
  if (reply.streaming) return reply.finish(failure)
  // A capability that is missing has a status of its own wherever it is missed.
  const missing = failure.error.code === RPC_MISSING_CAPABILITY
  reply.json(missing ? 400 : Math.max(status, 200), failure)
}

/** A server that says nothing of it is asked each time. */
function cacheHints({ ttlMs }: Record<string, unknown>): Record<string, unknown> {
  const kept = typeof ttlMs === 'number' && Number.isInteger(ttlMs) && ttlMs >= 0
  return { ttlMs: kept ? ttlMs : 0, cacheScope: CACHE_SCOPE }
}

function notFound(failure: RpcFailure, { params }: RpcRequest): RpcFailure {
  const { code, message, data } = failure.error
  if (code !== RPC_RESOURCE_NOT_FOUND) return failure
  const known = isRecord(data) ? data : {}
  return rpcFailure(failure.id, RPC_INVALID_PARAMS, message, { ...known, uri: params?.uri })
}
