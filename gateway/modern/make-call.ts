import { randomUUID } from 'node:crypto'
import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { type CallAnswer, headersOf } from '#gateway/relay/call-tool.ts'
import { RPC_INTERNAL_ERROR, type RpcRequest, rpcFailure } from '#mcp/json-rpc.ts'
import { finish } from './answer.ts'
import { wrongParamHeaders } from './check-headers.ts'
import { clientSide } from './client-side.ts'
import type { Envelope } from './envelope.ts'
import type { HeldCall } from './held-calls.ts'
import { heldStateOf } from './request-state.ts'
import { resumeCall } from './resume-call.ts'

export type CallVerb = (
  context: GatewayContext,
  agent: AgentRequest,
  request: RpcRequest,
  answer: CallAnswer,
) => Promise<void>

/** Makes a call that is answered by a server, or goes on with one that waits for its client. */
export async function makeCall(
  context: GatewayContext,
  agent: AgentRequest,
  request: RpcRequest,
  { envelope, call }: { envelope: Envelope; call: CallVerb },
): Promise<void> {
  const state = heldStateOf(request)
  if (state !== null) return resumeCall(context, agent, request, state)
  const { capabilities } = envelope
  const mayBeAsked =
    capabilities.elicitation !== undefined ||
    capabilities.sampling !== undefined ||
    capabilities.roots !== undefined
  const held = mayBeAsked ? context.heldCalls.begin(agent.view.rights.agentId, request, agent.reply) : null
  const reply = held?.reply ?? agent.reply
  const caller: AgentRequest = { ...agent, reply }
  const answer: CallAnswer = {
    client: clientSide(caller, envelope, held?.ask ?? null),
    // Clients of this era may use one id for several requests at a time.
    scope: held?.id ?? randomUUID(),
    refuse: ({ item }) => wrongParamHeaders(agent.headers, headersOf(item), request.params?.arguments),
    finish: (forwarded) => finish(reply, request, forwarded),
  }
  try {
    await call(context, caller, request, answer)
  } catch (error) {
    if (held !== null) answerBroken(held, request)
    throw error
  } finally {
    held?.ended()
  }
}

/** Whoever goes on with the call hears of an error of ours too. */
function answerBroken({ reply }: HeldCall, { id }: RpcRequest): void {
  reply.finish(
    rpcFailure(id, RPC_INTERNAL_ERROR, 'Something went wrong inside the gateway. Call again.', {
      code: 'INTERNAL',
      retryable: true,
    }),
  )
}
