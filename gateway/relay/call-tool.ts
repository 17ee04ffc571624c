import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import type { AgentView } from '#gateway/lists/agent-view.ts'
import { callableTools } from '#gateway/pinned-tools.ts'
import { recordCall } from '#gateway/record-call.ts'
import { requireTarget } from '#gateway/targets.ts'
import { isRecord, RPC_INVALID_PARAMS, type RpcParams, type RpcRequest, rpcFailure } from '#mcp/json-rpc.ts'
import { type ParamHeader, paramHeaders } from '#mcp/param-headers.ts'
import type { ClientSide } from './client-side.ts'
import { forward } from './forward.ts'
import type { Forwarded } from './forward-types.ts'
import { findTool, type Resolved } from './resolve.ts'
import { type Call, runCall, unknownTool } from './run-call.ts'

/** How an era answers a call. */
export interface CallAnswer {
  client: ClientSide
  /** Keeps the ids of clients apart. */
  scope: string
  /** Refuses a call that was resolved, in words; null to go on. */
  refuse?: (found: Resolved) => { status: number; code: number; text: string } | null
  finish: (forwarded: Forwarded) => void
}

/** Answers `tools/call`: finds the tool's server, forwards the call and relays the answer. */
export async function callTool(
  context: GatewayContext,
  agent: AgentRequest,
  request: RpcRequest,
  answer: CallAnswer,
): Promise<void> {
  const { reply, view } = agent
  const { id, params } = request
  const wrong = wrongParams(params)
  if (wrong !== null) return reply.json(200, rpcFailure(id, RPC_INVALID_PARAMS, wrong))
  const named = params as RpcParams & { name: string }
  const { name } = named
  agent.log.tool = name
  const found = await findTool(context, view, named, answer.client)
  if (found === null) return reply.json(200, unknownTool(id, name))
  const refused = answer.refuse?.(found) ?? null
  if (refused !== null) return reply.json(refused.status, rpcFailure(id, refused.code, refused.text))

  const { connection } = found
  const toolName = String(found.params.name)
  const call: Call = {
    scope: answer.scope,
    id,
    connection,
    name,
    stillMay: (current) => mayCall(current, connection.id, toolName),
    gone: () => unknownTool(id, name),
    onEnd: (end) => recordCall(context, agent, { connection, original: toolName }, end, params?.arguments),
  }
  await runCall(context, agent, call, async (signal) => {
    const target = requireTarget(view, connection)
    const forwarded = await context.breakers.run(target.instanceId, () =>
      forward({
        upstream: context.upstream,
        target,
        method: 'tools/call',
        params: found.params,
        id,
        client: answer.client,
        signal,
        timeoutMs: context.callTimeoutMs ?? connection.settings.timeoutMs,
        retries: connection.settings.retries,
        idempotent: isIdempotent(found.item),
        paramHeaders: headersOf(found.item),
      }),
    )
    answer.finish(forwarded)
    return forwarded.response
  })
}

/** Whatever it is called by now. */
function mayCall({ connections }: AgentView, connectionId: string, toolName: string): boolean {
  const connection = connections.get(connectionId)
  if (connection === undefined) return false
  if (connection.settings.pinPolicy === 'warn')
    return connection.pins.find((pin) => pin.name === toolName)?.enabled !== false
  return callableTools(connection).some(({ tool }) => tool.name === toolName)
}

const wanted = new WeakMap<object, ParamHeader[]>()
/** Read once per definition. */
export function headersOf(item: Record<string, unknown> | undefined): readonly ParamHeader[] {
  if (item === undefined) return []
  let headers = wanted.get(item)
  if (headers === undefined) {
    headers = paramHeaders(item.inputSchema)
    wanted.set(item, headers)
  }
  return headers
}

function isIdempotent(item: Record<string, unknown> | undefined): boolean {
  const hints = item?.annotations
  return isRecord(hints) && (hints.idempotentHint === true || hints.readOnlyHint === true)
}

/** In words what is wrong; `null` when a call can be made of it. */
function wrongParams(params: RpcRequest['params']): string | null {
  if (typeof params?.name !== 'string') return '"tools/call" needs the name of a tool in params.name.'
  if (params.name.length > 128) return 'A tool name has at most 128 characters.'
  if (params.arguments !== undefined && !isRecord(params.arguments))
    return 'params.arguments has to be an object.'
  return wrongMeta(params)
}

/** In words what is wrong with `_meta`; `null` when it can be relayed. */
export function wrongMeta(params: RpcRequest['params']): string | null {
  const meta = params?._meta
  if (meta === undefined) return null
  if (!isRecord(meta)) return 'params._meta has to be an object.'
  const token = meta.progressToken
  if (token === undefined || typeof token === 'string' || typeof token === 'number') return null
  return 'params._meta.progressToken has to be a string or a number.'
}
