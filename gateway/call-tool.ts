import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import type { GatewayConnection } from '#contracts/gateway.ts'
import {
  isRecord,
  RPC_INTERNAL_ERROR,
  RPC_INVALID_PARAMS,
  type RpcFailure,
  type RpcId,
  type RpcRequest,
  rpcFailure,
} from '#mcp/json-rpc.ts'
import type { AgentView } from './agent-view.ts'
import { answerUnauthorized } from './answer-unauthorized.ts'
import { CallStopped } from './call-registry.ts'
import type { AgentRequest, GatewayContext } from './context.ts'
import { forwardCall } from './forward-call.ts'
import type { Session } from './legacy/require-session.ts'
import { capsOf, limitCall } from './limit-call.ts'
import { callableTools } from './pinned-tools.ts'
import { type CallEnd, endOfAnswer, endOfError, recordCall } from './record-call.ts'
import { describeFailure, UpstreamError } from './upstream/error.ts'
import type { UpstreamTarget } from './upstream/sessions.ts'

/** Answers `tools/call`: finds the tool's server, forwards the call and relays the answer. */
export async function callTool(
  context: GatewayContext,
  agent: AgentRequest,
  session: Session,
  request: RpcRequest,
): Promise<void> {
  const { reply, view } = agent
  const { id, params } = request
  const wrong = wrongParams(params)
  if (wrong !== null) return reply.json(200, rpcFailure(id, RPC_INVALID_PARAMS, wrong))
  const name = params?.name as string
  agent.log.tool = name
  const entry = view.catalogue.find(name)
  if (entry === undefined) return reply.json(200, unknownTool(id, name))

  const { connection, toolName } = entry
  if (await limitCall(context, agent, connection, id, name)) return
  const { agentId } = view.rights
  const call = context.calls.start(agentId, session.id, id, capsOf(view.rights, connection))
  if (call === null) {
    context.metrics.countRefusal('running')
    return reply.json(200, describeFailure(id, name, new UpstreamError('TOO_MANY_CALLS', 'agent')))
  }
  let end: CallEnd = { outcome: 'failed', code: 'INTERNAL' }
  const stopWatching = context.rights.watch(agent.tokenHash, (current) => {
    if (current === null) call.stop('revoked')
    else if (!mayCall(current, connection.id, toolName)) call.stop('connection-ended')
  })
  reply.onClientGone(() => call.stop('client-gone'))
  try {
    const target = targetOf(view, connection)
    const { upstream } = context
    const timeoutMs = context.callTimeoutMs ?? connection.settings.timeoutMs
    const { signal } = call
    const answer = await context.breakers.run(target.instanceId, () =>
      forwardCall({ upstream, target, request, toolName, reply, signal, timeoutMs }),
    )
    reply.finish(answer)
    end = endOfAnswer(answer)
  } catch (error) {
    end = endOfError(error)
    answerFailure(context, agent, request, name, error)
  } finally {
    stopWatching()
    call.release()
    recordCall(context, agent, entry, end, params?.arguments)
  }
}

/** Whatever it is called by now. */
function mayCall({ rights }: AgentView, connectionId: string, toolName: string): boolean {
  const connection = rights.connections.find(({ id }) => id === connectionId)
  return connection !== undefined && callableTools(connection).some(({ tool }) => tool.name === toolName)
}

function answerFailure(
  context: GatewayContext,
  agent: AgentRequest,
  { id }: RpcRequest,
  name: string,
  error: unknown,
): void {
  const { reply } = agent
  if (error instanceof CallStopped) {
    agent.log.outcome = error.reason
    if (error.reason === 'revoked') return answerUnauthorized(reply, id)
    if (error.reason === 'connection-ended') return reply.finish(unknownTool(id, name))
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

function unknownTool(id: RpcId, name: string): RpcFailure {
  const { text, action } = ERROR_CATALOGUE.TOOL_UNKNOWN
  const data = { code: 'TOOL_UNKNOWN', retryable: false }
  return rpcFailure(id, RPC_INVALID_PARAMS, `Unknown tool: ${name}. ${text} ${action}`, data)
}

/** In words what is wrong; `null` when a call can be made of it. */
function wrongParams(params: RpcRequest['params']): string | null {
  if (typeof params?.name !== 'string') return '"tools/call" needs the name of a tool in params.name.'
  if (params.name.length > 128) return 'A tool name has at most 128 characters.'
  if (params.arguments !== undefined && !isRecord(params.arguments))
    return 'params.arguments has to be an object.'
  const meta = params._meta
  if (meta === undefined) return null
  if (!isRecord(meta)) return 'params._meta has to be an object.'
  const token = meta.progressToken
  if (token === undefined || typeof token === 'string' || typeof token === 'number') return null
  return 'params._meta.progressToken has to be a string or a number.'
}

/** Throws UpstreamError SERVER_NOT_RUNNING when there is nothing to call. */
function targetOf(view: AgentView, connection: GatewayConnection): UpstreamTarget {
  const { id, instanceId, toolbox, serverState } = connection
  // In other states (deploying, unreachable, ...) there may be an instance that answers: its toolbox decides.
  const stopped = serverState === 'stopped' || serverState === 'stopping' || serverState === 'deleting'
  if (stopped || instanceId === null || toolbox === null) {
    throw new UpstreamError('SERVER_NOT_RUNNING', serverState)
  }
  const { agentId } = view.rights
  return { agentId, instanceId, toolbox, userHeaders: view.userHeaders.get(id) ?? null }
}
