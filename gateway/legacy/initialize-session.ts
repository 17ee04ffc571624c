import { z } from 'zod'
import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { mergedCapabilities } from '#gateway/lists/merged-capabilities.ts'
import { CLIENT_INFO } from '#mcp/client-info.ts'
import { RPC_INVALID_PARAMS, type RpcRequest, rpcFailure, rpcResult } from '#mcp/json-rpc.ts'
import { negotiateVersion } from './protocol-version.ts'
import { answerStoreUnavailable } from './require-session.ts'

const InitializeParams = z.looseObject({
  protocolVersion: z.string().max(40),
  capabilities: z.looseObject({}),
  clientInfo: z.looseObject({ name: z.string() }),
})

/** Answers `initialize` and begins a session, which any replica goes on with. */
export async function initializeSession(
  context: GatewayContext,
  { reply, view }: AgentRequest,
  { id, params }: RpcRequest,
): Promise<void> {
  const parsed = InitializeParams.safeParse(params)
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path }) => path.join('.') || 'params').join(', ')
    const text = `"initialize" needs protocolVersion, capabilities and clientInfo (wrong or missing: ${fields}).`
    return reply.json(200, rpcFailure(id, RPC_INVALID_PARAMS, text))
  }
  const protocolVersion = negotiateVersion(parsed.data.protocolVersion)
  let sessionId: string
  try {
    const clientName = parsed.data.clientInfo.name.slice(0, 100)
    const { capabilities } = parsed.data
    sessionId = await context.sessions.create(view.rights.agentId, {
      protocolVersion,
      clientName,
      capabilities,
    })
  } catch (error) {
    context.logger.error({ err: error }, 'a session cannot be written')
    return answerStoreUnavailable({ reply }, id)
  }
  context.metrics.countSession('opened')
  const result = {
    protocolVersion,
    capabilities: await mergedCapabilities(context, view, 'legacy'),
    serverInfo: CLIENT_INFO,
  }
  reply.json(200, rpcResult(id, result), { 'mcp-session-id': sessionId })
}
