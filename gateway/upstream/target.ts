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
  const { origin, base } = addressOf(target.toolbox)
  return {
    dispatcher: dispatchers.get(target.toolbox, purpose),
    origin,
    path: `${base}/v1/instances/${target.instanceId}/mcp`,
    headers: { 'toolberth-agent': target.agentId, ...target.headers },
  }
}

const addresses = new WeakMap<GatewayToolbox, { origin: string; base: string }>()
/** Read once per toolbox as the rights name it, and not per call. */
function addressOf(toolbox: GatewayToolbox): { origin: string; base: string } {
  let address = addresses.get(toolbox)
  if (address === undefined) {
    const { origin, pathname } = new URL(toolbox.url)
    address = { origin, base: pathname.replace(/\/+$/, '') }
    addresses.set(toolbox, address)
  }
  return address
}
