import { z } from 'zod'
import { Slug } from './agents.ts'
import { Id } from './names.ts'
import { ToolDefinition } from './probe.ts'
import { ServerState } from './servers.ts'
import { ToolboxState } from './toolboxes.ts'

/** Where an instance of a server is reached: `PUT`-ed by the worker, called by the gateway under `{url}/v1/instances/{id}/mcp`. */
export const GatewayToolbox = z.object({
  id: Id,
  url: z.url({ protocol: /^https$/ }),
  /** PEM certificate of the key pinned at enrolment. */
  certificate: z.string(),
  state: ToolboxState,
})
export type GatewayToolbox = z.infer<typeof GatewayToolbox>

/** One connection that is not disconnected and whose server the agent's owner may still use. */
export const GatewayConnection = z.object({
  id: Id,
  slug: Slug,
  /** false: the tools keep their own names. */
  prefixTools: z.boolean(),
  serverId: Id,
  serverName: z.string(),
  serverState: ServerState,
  /** The live instance; null while there is none. */
  instanceId: Id.nullable(),
  toolbox: GatewayToolbox.nullable(),
  /** Recorded at the last probe that passed. */
  tools: z.array(ToolDefinition),
})
export type GatewayConnection = z.infer<typeof GatewayConnection>

/** All that a gateway needs to serve one agent: the answer of `app.gateway_rights(token_hash)`. */
export const GatewayRights = z.object({
  agentId: Id,
  userId: Id,
  agentName: z.string(),
  /** Oldest first: of two tools with one name, the first is the agent's. */
  connections: z.array(GatewayConnection),
})
export type GatewayRights = z.infer<typeof GatewayRights>
