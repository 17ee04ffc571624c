import type { GatewayConnection, GatewayRights } from '#contracts/gateway.ts'
import type { RightsStore } from '#gateway/rights-cache.ts'
import { carryUser, type UserGiven } from '#mcp/carry-user.ts'
import { buildToolCatalogue, type Catalogue } from './catalogue.ts'

/** An agent's rights with its list of tools, which is built once per change and not per request. */
export interface AgentView {
  rights: GatewayRights
  /** Of the tools that the database records. */
  catalogue: Catalogue
  /** Changes when a connection or the instance behind it does: every list of the agent may be another one. */
  backends: string
  connections: ReadonlyMap<string, GatewayConnection>
  /** By connection: its owner's own headers and variables, as a toolbox takes them; none of those that have none. */
  carried: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** By connection: in words what its owner has to give, and where, before anything is sent. */
  missing: ReadonlyMap<string, string>
}

/** What a connection's owner has given, decrypted. */
export type OpenCredentials = (connection: Pick<GatewayConnection, 'id' | 'credentials'>) => UserGiven

/** The store as the cache of rights wants it, over what the database answers. */
export function agentViewStore(
  store: RightsStore<GatewayRights>,
  openCredentials: OpenCredentials,
  pagesUrl: string,
): RightsStore<AgentView> {
  return {
    readVersion: () => store.readVersion(),
    async load(tokenHash) {
      const rights = await store.load(tokenHash)
      if (rights === null) return null
      return {
        rights,
        catalogue: buildToolCatalogue(rights),
        carried: carriedOf(rights, openCredentials),
        missing: missingOf(rights, pagesUrl),
        backends: rights.connections.map(({ id, instanceId, slug }) => `${id}:${instanceId}:${slug}`).join(),
        connections: new Map(rights.connections.map((connection) => [connection.id, connection])),
      }
    },
  }
}

function carriedOf({ connections }: GatewayRights, openCredentials: OpenCredentials): AgentView['carried'] {
  return new Map(
    connections
      .filter(({ credentials }) => credentials.length > 0)
      .map((connection) => [connection.id, carryUser(openCredentials(connection))]),
  )
}

function missingOf({ agentId, connections }: GatewayRights, pagesUrl: string): Map<string, string> {
  return new Map(
    connections.flatMap(({ id, missingCredentials }) =>
      missingCredentials.length === 0
        ? []
        : [[id, `Give ${missingCredentials.join(', ')} at ${pagesUrl}/agents/${agentId}/connections/${id}`]],
    ),
  )
}
