import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import type { GatewayConnection, GatewayRights } from '#contracts/gateway.ts'
import { RPC_INTERNAL_ERROR, type RpcId, rpcFailure } from '#mcp/json-rpc.ts'
import type { CallCaps } from './call-registry.ts'
import type { AgentRequest, GatewayContext } from './context.ts'

/**
 * Takes one of the calls that agent and connection may make in this minute. `true` after the request was answered with 429: there
 * is none left.
 */
export async function limitCall(
  { limits, metrics, callsPerMinute }: GatewayContext,
  { view, reply, log }: AgentRequest,
  connection: GatewayConnection,
  id: RpcId,
  name: string,
): Promise<boolean> {
  const asked = [
    {
      whose: 'agent',
      key: `agent:${view.rights.agentId}`,
      limit: view.rights.callsPerMinute ?? callsPerMinute,
    },
    {
      whose: 'connection',
      key: `connection:${connection.id}`,
      limit: connection.settings.callsPerMinute,
    },
  ] as const
  for (const { whose, key, limit } of asked) {
    if (limit === null) continue
    const taken = limits.take(key, limit)
    const waitMs = typeof taken === 'object' ? await taken : taken
    if (waitMs === null) continue
    metrics.countRefusal(whose)
    log.outcome = 'RATE_LIMITED'
    const seconds = Math.max(1, Math.ceil(waitMs / 1000))
    const { text, action, retryable } = ERROR_CATALOGUE.RATE_LIMITED
    const detail = `This ${whose} may make ${limit} calls a minute; the next one in ${seconds} s.`
    const data = { code: 'RATE_LIMITED', retryable, retryAfter: seconds, detail }
    reply.json(429, rpcFailure(id, RPC_INTERNAL_ERROR, `${name}: ${text} ${action} ${detail}`, data), {
      'retry-after': String(seconds),
    })
    return true
  }
  return false
}

/** How many calls of this agent, and over this connection, may be under way at once. */
export function capsOf({ maxConcurrent }: GatewayRights, { id, settings }: GatewayConnection): CallCaps {
  return { agent: maxConcurrent, connection: { id, max: settings.maxConcurrent } }
}
