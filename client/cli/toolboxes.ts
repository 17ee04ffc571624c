import type { Command } from 'commander'
import type { Action } from './context.ts'
import { findServer, findToolbox } from './find.ts'
import { table } from './table.ts'

export function addToolboxCommands(program: Command, action: Action): void {
  const toolboxes = program.command('toolboxes').description('list, add, drain and delete toolboxes')

  toolboxes
    .command('list')
    .description('every toolbox')
    .action(
      action(async ({ toolberth, answer }) => {
        const { items } = await toolberth.toolboxes.list.query()
        const rows = items.map((box) => [box.name, box.state, String(box.serverCount), box.url ?? ''])
        answer(items, table(['NAME', 'STATE', 'SERVERS', 'URL'], rows, 'There are no toolboxes.'))
      }),
    )

  toolboxes
    .command('add <name>')
    .description('make a toolbox for a machine; answers the command to run there, this once')
    .action(
      action(async ({ toolberth, answer }, name: string) => {
        const made = await toolberth.toolboxes.create.mutate({ kind: 'host', name })
        answer(made, made.enrollment?.commands.piped ?? `${name} is being made.`)
      }),
    )

  toolboxes
    .command('drain <toolbox>')
    .description('let it take no more servers; those on it stay')
    .action(
      action(async ({ toolberth, answer }, given: string) => {
        const { id, name } = await findToolbox(toolberth, given)
        answer(await toolberth.toolboxes.drain.mutate({ id }), `${name} takes no more servers.`)
      }),
    )

  toolboxes
    .command('activate <toolbox>')
    .description('let it take servers again')
    .action(
      action(async ({ toolberth, answer }, given: string) => {
        const { id, name } = await findToolbox(toolberth, given)
        answer(await toolberth.toolboxes.activate.mutate({ id }), `${name} takes servers.`)
      }),
    )

  toolboxes
    .command('move <server> <toolbox>')
    .description('move a server there; it serves where it is until it is live')
    .action(
      action(async ({ toolberth, answer }, server: string, toolbox: string) => {
        const { id, name } = await findServer(toolberth, server)
        const target = await findToolbox(toolberth, toolbox)
        const deployment = await toolberth.servers.redeploy.mutate({ id, toolboxId: target.id })
        answer(deployment, `${name} is being deployed to ${target.name}.`)
      }),
    )

  toolboxes
    .command('delete <toolbox>')
    .description('delete it; refused while servers are on it')
    .option('--force', 'delete its servers as well, with everything they keep')
    .action(
      action(async ({ toolberth, answer }, given: string, { force = false }: { force?: boolean }) => {
        const { id, name } = await findToolbox(toolberth, given)
        const deleted = await toolberth.toolboxes.delete.mutate({ id, confirmName: name, force })
        answer(deleted, `${name} is being deleted.`)
      }),
    )
}
