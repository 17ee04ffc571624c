import { z } from 'zod'
import type { GatewayContext } from '#gateway/context.ts'
import type { AgentView } from '#gateway/lists/agent-view.ts'
import { mergedCapabilities } from '#gateway/lists/merged-capabilities.ts'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import { findResource } from '#gateway/relay/resolve.ts'
import { isRecord } from '#mcp/json-rpc.ts'

/** Of one stream. */
const MAX_URIS = 200

/** What a client wants to hear of; nothing else is told (specification of 2026-07-28, SubscriptionFilter). */
export const SubscriptionFilter = z.looseObject({
  toolsListChanged: z.boolean().optional(),
  promptsListChanged: z.boolean().optional(),
  resourcesListChanged: z.boolean().optional(),
  resourceSubscriptions: z.array(z.string().max(2048)).max(MAX_URIS).optional(),
})
type SubscriptionFilter = z.infer<typeof SubscriptionFilter>

export interface Honored {
  /** As the client is told. */
  filter: SubscriptionFilter
  /** Connection by URI. */
  subscriptions: Readonly<Record<string, string>>
}

const LISTS = {
  toolsListChanged: 'tools',
  promptsListChanged: 'prompts',
  resourcesListChanged: 'resources',
} as const

/** What of it the agent's servers can tell. */
export async function honor(
  context: GatewayContext,
  view: AgentView,
  client: ClientSide,
  wanted: SubscriptionFilter,
): Promise<Honored> {
  const capabilities = await mergedCapabilities(context, view, 'modern')
  // One that has not said yet what it can do may come to have any list.
  const unknown = view.rights.connections.some(
    ({ instanceId }) => instanceId !== null && context.upstream.servers.capabilities(instanceId) === null,
  )
  const filter: SubscriptionFilter = {}
  for (const name of ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const) {
    if (wanted[name] === true && (unknown || capabilities[LISTS[name]] !== undefined)) filter[name] = true
  }
  const uris = [...new Set(wanted.resourceSubscriptions)]
  const subscriptions: Record<string, string> = {}
  if (uris.length > 0 && isRecord(capabilities.resources) && capabilities.resources.subscribe === true) {
    const owners = await Promise.all(uris.map((uri) => ownerOf(context, view, client, uri)))
    for (const [index, uri] of uris.entries()) {
      const owner = owners[index]
      if (owner != null) subscriptions[uri] = owner
    }
  }
  const told = Object.keys(subscriptions)
  if (told.length > 0) filter.resourceSubscriptions = told
  return { filter, subscriptions }
}

/** The connection whose server has a resource and tells when it changes; null when none is known to, or several may. */
async function ownerOf(
  context: GatewayContext,
  view: AgentView,
  client: ClientSide,
  uri: string,
): Promise<string | null> {
  const [only, another] = await findResource(context, view, uri, client)
  if (only === undefined || another !== undefined || only.instanceId === null) return null
  const resources = context.upstream.servers.capabilities(only.instanceId)?.resources
  return isRecord(resources) && resources.subscribe === true ? only.id : null
}
