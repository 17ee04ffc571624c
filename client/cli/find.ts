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
