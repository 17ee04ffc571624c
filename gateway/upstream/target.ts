import type { GatewayToolbox } from '#contracts/gateway.ts'
import type { Purpose, ToolboxDispatchers } from './dispatchers.ts'
import type { Endpoint } from './http.ts'

/** One agent at one instance. */
export interface UpstreamTarget {
  agentId: string
  serverId: string
  instanceId: string
  toolbox: GatewayToolbox
  /** Sent along with every request: what is this user's alone. */
  headers?: Readonly<Record<string, string>>
  /** Digest of those: requests with other credentials never meet in one session. */
  credentials?: string
}

/** How a target is reached now: a toolbox may have moved since the last time. */
export function endpointOf(
  dispatchers: ToolboxDispatchers,
  target: UpstreamTarget,
  purpose: Purpose = 'calls',
): Endpoint {
  const { origin, pathname } = new URL(target.toolbox.url)
  const base = pathname.replace(/\/+$/, '')
  return {
    dispatcher: dispatchers.get(target.toolbox, purpose),
    origin,
    path: `${base}/v1/instances/${target.instanceId}/mcp`,
    headers: { 'toolberth-agent': target.agentId, ...target.headers },
  }
}
