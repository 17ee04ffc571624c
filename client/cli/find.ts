import type { ToolberthClient } from '#client/create-client.ts'
import { NotFound } from './errors.ts'

type Named = { id: string; name: string }

/** The server of this name or id. Throws NotFound. */
export async function findServer(toolberth: ToolberthClient, given: string) {
  const { items } = await toolberth.servers.list.query()
  return pick(items, given, 'server')
}

/** The agent of this name or id. Throws NotFound; of several agents with one name, none is meant. */
export async function findAgent(toolberth: ToolberthClient, given: string) {
  const { items } = await toolberth.agents.list.query()
  return pick(items, given, 'agent')
}

/** The toolbox of this name or id. Throws NotFound. */
export async function findToolbox(toolberth: ToolberthClient, given: string) {
  const { items } = await toolberth.toolboxes.list.query()
  return pick(items, given, 'toolbox', 'toolboxes')
}

/** The connection of an agent by its prefix, the name of its server or its id. Throws NotFound. */
export async function findConnection(toolberth: ToolberthClient, agent: string, given: string) {
  const { id: agentId, name } = await findAgent(toolberth, agent)
  const { items } = await toolberth.connections.list.query({ agentId })
  const found =
    items.find(({ id, slug }) => id === given || slug === given) ??
    items.find(({ server }) => server.name === given || server.id === given)
  if (found) return found
  throw new NotFound(
    `${name} has no connection ${given}. "toolberth connections list ${name}" shows those there are.`,
  )
}

function pick<T extends Named>(items: readonly T[], given: string, kind: string, kinds = `${kind}s`): T {
  const found = items.filter(({ id, name }) => id === given || name === given)
  const [only] = found
  if (only && found.length === 1) return only
  throw new NotFound(
    only
      ? `There are ${found.length} ${kinds} named ${given}. Give its id: ${found.map(({ id }) => id).join(', ')}.`
      : `There is no ${kind} ${given}. "toolberth ${kinds} list" shows those there are.`,
  )
}
