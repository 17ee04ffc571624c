import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { mergedCapabilities } from '#gateway/lists/merged-capabilities.ts'
import { isRecord, type RpcRequest } from '#mcp/json-rpc.ts'
import { ownResult } from './answer.ts'
import { SUPPORTED_VERSIONS } from './envelope.ts'

/** Answers `server/discover`: what is spoken here without a session, and what the agent's servers can do together. */
export async function discover(
  context: GatewayContext,
  { reply, view }: AgentRequest,
  { id }: RpcRequest,
): Promise<void> {
  const capabilities = withoutChanges(await mergedCapabilities(context, view, 'modern'))
  reply.finish(ownResult(id, { supportedVersions: SUPPORTED_VERSIONS, capabilities }))
}

/** Changes are told on the stream of `subscriptions/listen`, which is not there yet. */
function withoutChanges(capabilities: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(capabilities).map(([name, value]) => {
      if (!isRecord(value)) return [name, value]
      const { listChanged: _changed, subscribe: _subscribe, ...others } = value
      return [name, others]
    }),
  )
}
