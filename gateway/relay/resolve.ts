import type { GatewayConnection } from '#contracts/gateway.ts'
import type { GatewayContext } from '#gateway/context.ts'
import type { AgentView } from '#gateway/lists/agent-view.ts'
import { targetOf } from '#gateway/targets.ts'
import { isRecord, type RpcParams } from '#mcp/json-rpc.ts'
import type { ClientSide } from './client-side.ts'
import { matchesTemplate } from './uri-template.ts'

/** Whom a request is for, with the params as that server knows them. */
export interface Resolved {
  connection: GatewayConnection
  params: RpcParams
  /** Of a tool. */
  item?: Record<string, unknown>
}

type Find = (
  context: GatewayContext,
  view: AgentView,
  name: string,
  client: ClientSide,
) => Promise<Resolved | null>

/** The tool of a name, if this agent may see it. */
export const findTool = async (
  context: GatewayContext,
  view: AgentView,
  params: RpcParams & { name: string },
  client: ClientSide,
): Promise<Resolved | null> => {
  const { name } = params
  // A name that the record does not have may be in what the server shows to such a client.
  const entry =
    view.catalogue.find(name) ??
    context.lists.known(view, 'tools', client)?.find(name) ??
    (await context.lists.get(view, 'tools', client)).catalogue.find(name)
  if (entry === undefined) return null
  const { connection, original, item } = entry
  return { connection, item, params: { ...params, name: original } }
}

/** The prompt of a name. */
export const findPrompt: Find = async (context, view, name, client) => {
  const entry =
    context.lists.known(view, 'prompts', client)?.find(name) ??
    (await context.lists.get(view, 'prompts', client)).catalogue.find(name)
  if (entry !== undefined) return { connection: entry.connection, params: { name: entry.original } }
  // Servers may have prompts that they do not list.
  for (const connection of view.rights.connections) {
    const prefix = `${connection.slug}__`
    if (connection.prefixTools ? name.startsWith(prefix) : view.rights.connections.length === 1)
      return { connection, params: { name: connection.prefixTools ? name.slice(prefix.length) : name } }
  }
  return null
}

/** Every server that may have a resource, the likeliest first: whoever lists it, whoever has a template for it, then the rest. */
export async function findResource(
  context: GatewayContext,
  view: AgentView,
  uri: string,
  client: ClientSide,
): Promise<GatewayConnection[]> {
  const running = view.rights.connections.filter((connection) => targetOf(view, connection) !== null)
  if (running.length === 0) return view.rights.connections.slice(0, 1)
  if (running.length === 1) return running
  const listed =
    context.lists.known(view, 'resources', client)?.find(uri) ??
    (await context.lists.get(view, 'resources', client)).catalogue.find(uri)
  if (listed !== undefined) return [listed.connection]
  const templates = (await context.lists.get(view, 'resourceTemplates', client)).catalogue
  for (const { connection, original } of templates.entries()) {
    if (matchesTemplate(original, uri)) return [connection]
  }
  return running
}

/** Whom a completion is for: the server of the prompt or of the template. */
export async function findCompletion(
  context: GatewayContext,
  view: AgentView,
  params: RpcParams,
  client: ClientSide,
): Promise<Resolved | null> {
  const { ref } = params
  if (!isRecord(ref)) return null
  if (ref.type === 'ref/prompt' && typeof ref.name === 'string') {
    const found = await findPrompt(context, view, ref.name, client)
    return found && { ...found, params: { ...params, ref: { ...ref, name: found.params.name } } }
  }
  if (ref.type !== 'ref/resource' || typeof ref.uri !== 'string') return null
  const templates = (await context.lists.get(view, 'resourceTemplates', client)).catalogue
  const connection =
    templates.find(ref.uri)?.connection ?? (await findResource(context, view, ref.uri, client))[0]
  return connection === undefined ? null : { connection, params }
}
