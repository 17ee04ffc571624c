import type { Command } from 'commander'
import { type Action, type CliContext, endAsFailed } from './context.ts'
import { findAgent, findConnection } from './find.ts'
import { table } from './table.ts'

export function addConnectionCommands(program: Command, action: Action): void {
  const connections = program
    .command('connections')
    .description('list, test and end what agents are connected to')

  connections
    .command('list <agent>')
    .description('every connection of an agent, with how it is')
    .action(
      action(async ({ toolberth, answer }, given: string) => {
        const { id: agentId } = await findAgent(toolberth, given)
        const { items } = await toolberth.connections.list.query({ agentId })
        const rows = items.map(({ slug, server, state, tools, latencyMs, lastTestedAt, failure }) => [
          slug,
          server.name,
          state,
          String(tools.length),
          latencyMs === null ? '' : `${latencyMs} ms`,
          lastTestedAt ?? '',
          failure?.code ?? '',
        ])
        const heading = ['PREFIX', 'SERVER', 'STATE', 'TOOLS', 'ANSWERED IN', 'TESTED', 'FAILURE']
        answer(items, table(heading, rows, 'It is connected to nothing.'))
      }),
    )

  connections
    .command('retest <agent> <connection>')
    .description('test it now, by its prefix, its server or its id; ends with 1 when it fails')
    .action(action(retest))

  connections
    .command('disconnect <agent> <connection>')
    .description('end it; its tools are gone from the agent at once')
    .action(
      action(async ({ toolberth, answer }, agent: string, given: string) => {
        const { id, server } = await findConnection(toolberth, agent, given)
        const ended = await toolberth.connections.disconnect.mutate({ id })
        answer(ended, `${agent} is not connected to ${server.name} any more.`)
      }),
    )
}

async function retest({ toolberth, answer }: CliContext, agent: string, given: string): Promise<void> {
  const { id } = await findConnection(toolberth, agent, given)
  const tested = await toolberth.connections.retest.mutate({ id })
  const { server, state, latencyMs, failure } = tested
  if (state === 'connected') return answer(tested, `${server.name} answered in ${latencyMs} ms.`)
  const cause = failure ? `: ${failure.code}${failure.detail === null ? '' : `, ${failure.detail}`}` : ''
  answer(tested, `${server.name} is ${state}${cause}`)
  endAsFailed()
}
