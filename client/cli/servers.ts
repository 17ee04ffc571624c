import { type Command, Option } from 'commander'
import type { Action } from './context.ts'
import { type DeployOptions, deploy } from './deploy.ts'
import { type LogOptions, printLogs } from './print-logs.ts'
import { removeServer } from './remove-server.ts'
import { table } from './table.ts'
import { asked, collect, positiveInteger, secretVariable, variable } from './values.ts'

const WAIT_SECONDS = 300
const LOG_LINES = 200

export function addServerCommands(program: Command, action: Action): void {
  const servers = program.command('servers').description('list, deploy, read and delete MCP servers')

  servers
    .command('list')
    .description('every server with its state')
    .action(
      action(async ({ toolberth, answer }) => {
        const { items } = await toolberth.servers.list.query()
        const rows = items.map(({ name, state, toolCount, toolbox }) => [
          name,
          state,
          String(toolCount),
          toolbox?.name ?? '',
        ])
        answer(items, table(['NAME', 'STATE', 'TOOLS', 'TOOLBOX'], rows, 'There are no servers.'))
      }),
    )

  servers
    .command('deploy <package>')
    .description('deploy an npm package and wait until it is live')
    .option('-n, --name <name>', 'its name (default: after the package)')
    .option('--package-version <version>', 'version or tag (default: latest)')
    .option('--bin <name>', 'executable of the package, when it has several')
    .option('-a, --arg <argument>', 'argument of the server; may be repeated', collect, [])
    .option('-e, --env <NAME=VALUE>', 'variable; may be repeated', variable, {})
    .option(
      '-s, --secret <NAME>',
      'variable that is set here, as a secret; may be repeated',
      secretVariable,
      {},
    )
    .option('--user-env <NAME[=description]>', 'variable that each user brings; may be repeated', asked, [])
    .option('--user-header <NAME[=description]>', 'header that each user brings; may be repeated', asked, [])
    .addOption(
      new Option('--sharing <how>', 'whether all sessions share one process').choices(['shared', 'isolated']),
    )
    .addOption(new Option('-t, --transport <name>').choices(['stdio', 'streamable-http']).default('stdio'))
    .option('--toolbox <id>', 'where it runs (default: where there is most room)')
    .option('--timeout <seconds>', 'how long to wait', positiveInteger, WAIT_SECONDS)
    .option('--no-wait', 'answer as soon as it is queued')
    .action(action((context, name: string, options: DeployOptions) => deploy(context, name, options)))

  servers
    .command('logs <server>')
    .description('the last lines of its log')
    .option('--tail <lines>', 'how many', positiveInteger, LOG_LINES)
    .option('--search <text>', 'only lines with this text, of all that are kept')
    .addOption(
      new Option('--level <level>', 'only lines of this level and above').choices([
        'debug',
        'info',
        'warn',
        'error',
      ]),
    )
    .addOption(new Option('-f, --follow', 'go on with new lines').conflicts(['search', 'level']))
    .action(action((context, given: string, options: LogOptions) => printLogs(context, given, options)))

  servers
    .command('delete <server>')
    .description('delete it and wait until nothing of it is left on its toolbox')
    .option('--no-wait', 'answer as soon as it is being deleted')
    .action(
      action((context, given: string, { wait }: { wait: boolean }) => removeServer(context, given, wait)),
    )
}
