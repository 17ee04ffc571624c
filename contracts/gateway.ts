import { z } from 'zod'
import { ConnectionState, Slug } from './agents.ts'
import { ConnectionSettings } from './connection-settings.ts'
import { Sharing, Transport } from './instances.ts'
import { Id } from './names.ts'
import { ToolDefinition } from './probe.ts'
import { ServerInfo } from './server-info.ts'
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
  state: ConnectionState,
  settings: ConnectionSettings,
  transport: Transport,
  sharing: Sharing,
  /** Of MCP, and what the server said of itself, at the last probe that passed; null before there was one. */
  era: z.enum(['legacy', 'modern']).nullable(),
  serverInfo: ServerInfo,
  /** Recorded at the last probe that passed. */
  tools: z.array(ToolDefinition),
  /** SHA-256 in hex of each tool as it is now, by its name. */
  hashes: z.record(z.string(), z.string()),
  /** The tools as their owner approved them. */
  pins: z.array(
    z.object({ name: z.string(), hash: z.string(), enabled: z.boolean(), alias: z.string().nullable() }),
  ),
  /** The owner's own variables and headers at this server, encrypted: base64, see `server/connections/credentials.ts`. */
  credentials: z.array(
    z.object({
      kind: z.enum(['env', 'header']),
      name: z.string(),
      ciphertext: z.string(),
      keyId: z.string(),
    }),
  ),
  /** Names of what the server requires of its users and this one has not given. */
  missingCredentials: z.array(z.string()),
})
export type GatewayConnection = z.infer<typeof GatewayConnection>

/** All that a gateway needs to serve one agent: the answer of `app.gateway_rights(token_hash)`. */
export const GatewayRights = z.object({
  agentId: Id,
  userId: Id,
  agentName: z.string(),
  /** Null: the installation's limit. */
  callsPerMinute: z.int().nullable(),
  maxConcurrent: z.int().nullable(),
  /** Null: the agent itself. */
  via: z.enum(['inspector']).nullable(),
  /** When this token or ticket ends by itself; null: never. */
  expiresAt: z.iso.datetime().nullable(),
  /** Oldest first: of two tools with one name, the first is the agent's. */
  connections: z.array(GatewayConnection),
})
export type GatewayRights = z.infer<typeof GatewayRights>
