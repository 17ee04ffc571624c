import type { GatewayConnection } from '#contracts/gateway.ts'
import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import type { AgentView } from '#gateway/lists/agent-view.ts'
import { requireTarget } from '#gateway/targets.ts'
import { UpstreamError } from '#gateway/upstream/error.ts'
import {
  isRpcFailure,
  RPC_INVALID_PARAMS,
  type RpcParams,
  type RpcRequest,
  rpcFailure,
} from '#mcp/json-rpc.ts'
import { type CallAnswer, wrongMeta } from './call-tool.ts'
import { forward } from './forward.ts'
import type { Forwarded } from './forward-types.ts'
import { findCompletion, findPrompt, findResource } from './resolve.ts'
import { runCall } from './run-call.ts'

/** Answers `prompts/get`. */
export async function getPrompt(
  context: GatewayContext,
  agent: AgentRequest,
  request: RpcRequest,
  answer: CallAnswer,
): Promise<void> {
  const { params } = request
  const name = params?.name
  if (typeof name !== 'string')
    return refuse(agent, request, '"prompts/get" needs the name of a prompt in params.name.')
  const found = await findPrompt(context, agent.view, name, answer.client)
  if (found === null) return refuse(agent, request, `Unknown prompt: ${name.slice(0, 200)}`)
  await relayTo(context, agent, request, answer, {
    name,
    connections: [found.connection],
    params: { ...params, ...found.params },
  })
}

/** Answers `completion/complete`. */
export async function complete(
  context: GatewayContext,
  agent: AgentRequest,
  request: RpcRequest,
  answer: CallAnswer,
): Promise<void> {
  const found = await findCompletion(context, agent.view, request.params ?? {}, answer.client)
  if (found === null)
    return refuse(agent, request, 'params.ref names no prompt and no resource of this agent.')
  await relayTo(context, agent, request, answer, {
    name: 'completion',
    connections: [found.connection],
    params: found.params,
  })
}

/** Answers `resources/read`, and `resources/subscribe` and `unsubscribe` of the era of sessions. Answers whose resource it was. */
export async function relayResource(
  context: GatewayContext,
  agent: AgentRequest,
  request: RpcRequest,
  answer: CallAnswer,
): Promise<void> {
  const uri = request.params?.uri
  if (typeof uri !== 'string') return refuse(agent, request, `"${request.method}" needs a URI in params.uri.`)
  const connections = await findResource(context, agent.view, uri, answer.client)
  if (connections.length === 0)
    return refuse(agent, request, `Resource not found: ${uri.slice(0, 500)}`, { uri })
  await relayTo(context, agent, request, answer, {
    name: uri.slice(0, 200),
    connections,
    params: request.params ?? {},
  })
}

interface Relayed {
  /** Begins the words of a failure. */
  name: string
  /** Asked one after the other until one has an answer. */
  connections: readonly GatewayConnection[]
  params: RpcParams
}

async function relayTo(
  context: GatewayContext,
  agent: AgentRequest,
  request: RpcRequest,
  answer: CallAnswer,
  { name, connections, params }: Relayed,
): Promise<void> {
  const wrong = wrongMeta(params)
  if (wrong !== null) return refuse(agent, request, wrong)
  const { id, method } = request
  const [connection] = connections
  if (connection === undefined) return refuse(agent, request, 'This agent has no connection.')
  const gone = () => rpcFailure(id, RPC_INVALID_PARAMS, `${name}: its connection has ended.`)
  const stillMay = (view: AgentView) => view.connections.has(connection.id)
  await runCall(
    context,
    agent,
    { scope: answer.scope, id, connection, name, stillMay, gone },
    async (signal) => {
      const outcome = await firstThatHas(connections, (one) =>
        forward({
          upstream: context.upstream,
          target: requireTarget(agent.view, one),
          method,
          params,
          id,
          client: answer.client,
          signal,
          timeoutMs: context.callTimeoutMs ?? one.settings.timeoutMs,
          // Asking for these changes nothing.
          idempotent: true,
        }),
      )
      answer.finish({ ...outcome.forwarded, connection: outcome.connection })
      return outcome.forwarded.response
    },
  )
}

/** With several candidates an error of one (that it does not have it, or is away) leaves the others to be asked. */
async function firstThatHas(
  connections: readonly GatewayConnection[],
  ask: (connection: GatewayConnection) => Promise<Forwarded>,
): Promise<{ forwarded: Forwarded; connection: GatewayConnection }> {
  let refused: { forwarded: Forwarded; connection: GatewayConnection } | null = null
  let failed: unknown = null
  for (const connection of connections) {
    try {
      const forwarded = await ask(connection)
      if (!isRpcFailure(forwarded.response)) return { forwarded, connection }
      refused ??= { forwarded, connection }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      failed ??= error
    }
  }
  if (refused !== null) return refused
  throw failed
}

function refuse({ reply }: AgentRequest, { id }: RpcRequest, text: string, data?: unknown): void {
  reply.json(200, rpcFailure(id, RPC_INVALID_PARAMS, text, data))
}
