import type { Command } from 'commander'
import type { Action } from './context.ts'
import { findAgent, findServer } from './find.ts'
import { table } from './table.ts'

export function addAgentCommands(program: Command, action: Action): void {
  const agents = program.command('agents').description('list, create and delete agents')

  agents
    .command('list')
    .description('every agent of yours')
    .action(
      action(async ({ toolberth, answer }) => {
        const { items } = await toolberth.agents.list.query()
        const rows = items.map(({ name, toolCount, url }) => [name, String(toolCount), url])
        answer(items, table(['NAME', 'TOOLS', 'URL'], rows, 'There are no agents.'))
      }),
    )

  agents
    .command('create <name>')
    .description('make an agent; its token is shown this once')
    .action(
      action(async ({ toolberth, answer }, name: string) => {
        const agent = await toolberth.agents.create.mutate({ name })
        answer(agent, `URL:   ${agent.url}\nToken: ${agent.token}`)
      }),
    )

  agents
    .command('delete <agent>')
    .description('delete it; its token is worthless at once')
    .action(
      action(async ({ toolberth, answer }, given: string) => {
        const { id, name } = await findAgent(toolberth, given)
        answer(await toolberth.agents.delete.mutate({ id }), `${name} is deleted.`)
      }),
    )

  program
    .command('connect <agent> <server>')
    .description('connect an agent to a server, after a handshake that passed')
    .option('--slug <prefix>', 'prefix of its tools (default: the name of the server)')
    .action(
      action(async ({ toolberth, answer }, agent: string, server: string, { slug }: { slug?: string }) => {
        const { id: agentId } = await findAgent(toolberth, agent)
        const { id: serverId } = await findServer(toolberth, server)
        const connection = await toolberth.connections.create.mutate({
          agentId,
          serverId,
          ...(slug !== undefined && { slug }),
        })
        answer(connection, connection.tools.map(({ name }) => name).join('\n'))
      }),
    )
}
