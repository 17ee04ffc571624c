import { type Command, InvalidArgumentError } from 'commander'
import type { Action } from './context.ts'
import { findAgent, findServer } from './find.ts'
import { table } from './table.ts'
import { credential } from './values.ts'

const OVERLAPS = [0, 15, 60, 1440] as const
type Overlap = (typeof OVERLAPS)[number]

function overlap(text: string): Overlap {
  const found = OVERLAPS.find((minutes) => String(minutes) === text)
  if (found === undefined) throw new InvalidArgumentError('Give 0, 15, 60 or 1440.')
  return found
}

interface ConnectOptions {
  slug?: string
  credential: Record<string, string>
}

export function addAgentCommands(program: Command, action: Action): void {
  const agents = program
    .command('agents')
    .description('list, create and delete agents, and give them new tokens')

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
    .command('rotate <agent>')
    .description('give it a new token, which is shown this once')
    .option('--overlap <minutes>', 'for how long the old one counts too: 0, 15, 60 or 1440', overlap, 0)
    .action(
      action(async ({ toolberth, answer }, given: string, options: { overlap: Overlap }) => {
        const { id } = await findAgent(toolberth, given)
        const agent = await toolberth.agents.rotateToken.mutate({ id, overlapMinutes: options.overlap })
        const until = agent.previousTokenUntil
        const old = until === null ? 'The old token is worthless.' : `The old token counts until ${until}.`
        answer(agent, `Token: ${agent.token}\n${old}`)
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
    .option(
      '-c, --credential <NAME[=VARIABLE]>',
      'what the server asks of you, out of a variable that is set here; may be repeated',
      credential,
      {},
    )
    .action(
      action(async ({ toolberth, answer }, agent: string, server: string, options: ConnectOptions) => {
        const { slug, credential: credentials } = options
        const { id: agentId } = await findAgent(toolberth, agent)
        const { id: serverId } = await findServer(toolberth, server)
        const connection = await toolberth.connections.create.mutate({
          agentId,
          serverId,
          ...(slug !== undefined && { slug }),
          ...(Object.keys(credentials).length > 0 && { credentials }),
        })
        answer(connection, connection.tools.map(({ name }) => name).join('\n'))
      }),
    )
}
