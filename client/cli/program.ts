import { Command } from 'commander'
import { addAgentCommands } from './agents.ts'
import { addConnectionCommands } from './connections.ts'
import { type Action, createContext, type GlobalOptions } from './context.ts'
import { addServerCommands } from './servers.ts'
import { addToolboxCommands } from './toolboxes.ts'
import { addToolCommands } from './tools.ts'

const HELP = `
Environment:
  TOOLBERTH_URL       where Toolberth runs (default: http://localhost:3000)
  TOOLBERTH_API_KEY   a key from the settings page

Exit codes: 0 done, 1 refused or failed, 2 not understood.`

/** The command line; nothing is called before it is parsed. */
export function createProgram(env: NodeJS.ProcessEnv): Command {
  const program = new Command('toolberth')
    .description('Deploys MCP servers and connects agents to them.')
    .option('--url <url>', 'where Toolberth runs')
    .option('--json', 'answer with a JSON document')
    .addHelpText('after', HELP)
    .exitOverride()
    .showHelpAfterError('("toolberth --help" lists the commands)')
  const action: Action =
    (work) =>
    (...args) =>
      work(createContext(program.opts<GlobalOptions>(), env), ...args)
  addServerCommands(program, action)
  addAgentCommands(program, action)
  addConnectionCommands(program, action)
  addToolCommands(program, action)
  addToolboxCommands(program, action)
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap(({ commands }) => commands),
  ])
    command.exitOverride()
  return program
}
