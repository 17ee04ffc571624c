import type { GatewayConnection } from '#contracts/gateway.ts'
import type { AgentView } from './lists/agent-view.ts'
import { UpstreamError } from './upstream/error.ts'
import type { UpstreamTarget } from './upstream/target.ts'

/** Where the calls of a connection go; null while there is nothing to call, or its owner has to give something first. */
export function targetOf(
  { rights, carried, missing }: AgentView,
  connection: GatewayConnection,
): UpstreamTarget | null {
  const { instanceId, serverId, toolbox, serverState } = connection
  // In other states (deploying, unreachable, ...) there may be an instance that answers: its toolbox decides.
  const stopped = serverState === 'stopped' || serverState === 'stopping' || serverState === 'deleting'
  if (stopped || instanceId === null || toolbox === null || missing.has(connection.id)) return null
  const headers = carried.get(connection.id)
  const target = { agentId: rights.agentId, serverId, instanceId, toolbox }
  if (headers !== undefined) return { ...target, headers, credentials: JSON.stringify(headers) }
  // Its processes are each an agent's own, as with credentials.
  return connection.sharing === 'isolated' ? { ...target, credentials: 'isolated' } : target
}

/** All of an agent's. */
export function targetsOf(view: AgentView): UpstreamTarget[] {
  return view.rights.connections.flatMap((connection) => targetOf(view, connection) ?? [])
}

/** Throws UpstreamError SERVER_NOT_RUNNING when there is nothing to call, CREDENTIALS_MISSING naming what is and where to give it. */
export function requireTarget(view: AgentView, connection: GatewayConnection): UpstreamTarget {
  const missing = view.missing.get(connection.id)
  if (missing !== undefined) throw new UpstreamError('CREDENTIALS_MISSING', missing)
  const target = targetOf(view, connection)
  if (target === null) throw new UpstreamError('SERVER_NOT_RUNNING', connection.serverState)
  return target
}
