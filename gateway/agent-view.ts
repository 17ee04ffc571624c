import type { GatewayRights } from '#contracts/gateway.ts'
import type { RightsStore } from './rights-cache.ts'
import { buildToolCatalogue, type ToolCatalogue } from './tool-catalogue.ts'

/** An agent's rights with its list of tools, which is built once per change and not per request. */
export interface AgentView {
  rights: GatewayRights
  catalogue: ToolCatalogue
}

/** The store as the cache of rights wants it, over what the database answers. */
export function agentViewStore(store: RightsStore<GatewayRights>): RightsStore<AgentView> {
  return {
    readVersion: () => store.readVersion(),
    async load(tokenHash) {
      const rights = await store.load(tokenHash)
      return rights && { rights, catalogue: buildToolCatalogue(rights) }
    },
  }
}
