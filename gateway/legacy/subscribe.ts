import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import type { CallAnswer } from '#gateway/relay/call-tool.ts'
import { relayResource } from '#gateway/relay/relay-request.ts'
import {
  isRpcFailure,
  RPC_INVALID_PARAMS,
  RPC_METHOD_NOT_FOUND,
  type RpcRequest,
  rpcFailure,
  rpcResult,
} from '#mcp/json-rpc.ts'
import { clientSide } from './client-side.ts'
import type { Session } from './require-session.ts'

/** Of one session. */
const MAX_SUBSCRIPTIONS = 200

/** Answers `resources/subscribe` and `resources/unsubscribe`: kept with the session, so that any replica's stream hears of it. */
export async function subscribe(
  context: GatewayContext,
  agent: AgentRequest,
  session: Session,
  request: RpcRequest,
): Promise<void> {
  const { reply, view } = agent
  const uri = request.params?.uri
  const adds = request.method === 'resources/subscribe'
  if (adds && typeof uri === 'string' && Object.keys(session.subscriptions).length >= MAX_SUBSCRIPTIONS) {
    const text = `A session has at most ${MAX_SUBSCRIPTIONS} subscriptions.`
    return reply.json(200, rpcFailure(request.id, RPC_INVALID_PARAMS, text))
  }
  // A subscription is this session's, so it is made in a session of its own.
  const client = clientSide(context, agent, {
    ...session,
    subscriptions: typeof uri === 'string' ? { ...session.subscriptions, [uri]: '' } : session.subscriptions,
  })
  let outcome: Parameters<CallAnswer['finish']>[0] | null = null
  await relayResource(context, agent, request, {
    client,
    scope: session.id,
    finish: (forwarded) => {
      outcome = forwarded
    },
  })
  if (outcome === null || typeof uri !== 'string') return
  const { response, connection } = outcome as Parameters<CallAnswer['finish']>[0]
  // A server of the stateless era has no such request: its stream is opened with the URIs.
  const refused = isRpcFailure(response) && response.error.code !== RPC_METHOD_NOT_FOUND
  if (refused || connection === undefined) return reply.finish(response)
  await context.sessions.update(view.rights.agentId, session.id, (record) => {
    const { [uri]: _ended, ...others } = record.subscriptions
    return { ...record, subscriptions: adds ? { ...others, [uri]: connection.id } : others }
  })
  context.streams.get(session.id)?.refresh()
  context.bus.publish({ kind: 'session', sessionId: session.id, ended: false })
  reply.finish(rpcResult(request.id, {}))
}
