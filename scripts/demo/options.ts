import { parseArgs } from 'node:util'
import { StartError } from '#scripts/start-error.ts'

export type DemoOptions = {
  /** Start an installation of its own and remove it afterwards. */
  ephemeral: boolean
  /** Leave the server and the agent in the running installation. */
  keep: boolean
  /** One JSON document on standard output, everything else on standard error. */
  json: boolean
}

export const USAGE = `npm run demo [-- options]

Deploys an MCP server from npm, connects an agent to it after a tested handshake, and calls two of its tools through the
gateway; tells each step with its time, and removes what it made.

  --ephemeral   start an installation of its own on free ports, and remove it afterwards;
                else the one that "npm start" runs is used
  --keep        leave the server and the agent there
  --json        one JSON document on standard output (npm run --silent demo -- --json)
  --help        this text

  TOOLBERTH_URL       where it runs   (what "npm start" on TOOLBERTH_HOME says, else http://localhost:PORT)
  TOOLBERTH_API_KEY   an admin's key  (the file admin-api-key in TOOLBERTH_HOME)`

/** Throws `StartError` with one line for an unknown option. */
export function readDemoOptions(args: string[]): DemoOptions | 'help' {
  try {
    const flag = { type: 'boolean', default: false } as const
    const { values } = parseArgs({
      args,
      options: { ephemeral: flag, keep: flag, json: flag, help: { ...flag, short: 'h' } },
    })
    const { help, ...options } = values
    return help ? 'help' : options
  } catch (error) {
    throw new StartError(
      `${(error as Error).message.split(/\. |\n/)[0]}. "npm run demo -- --help" lists the options.`,
    )
  }
}
