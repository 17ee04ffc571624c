import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { mergedCapabilities } from '#gateway/lists/merged-capabilities.ts'
import type { RpcRequest } from '#mcp/json-rpc.ts'
import { ownResult } from './answer.ts'
import { SUPPORTED_VERSIONS } from './envelope.ts'

/** Answers `server/discover`: what is spoken here without a session, and what the agent's servers can do together. */
export async function discover(
  context: GatewayContext,
  { reply, view }: AgentRequest,
  { id }: RpcRequest,
): Promise<void> {
  const capabilities = await mergedCapabilities(context, view, 'modern')
  reply.finish(ownResult(id, { supportedVersions: SUPPORTED_VERSIONS, capabilities }))
}
