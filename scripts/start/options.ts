import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs, parseEnv } from 'node:util'
import { StartError } from '#scripts/start-error.ts'

/** Everything that decides what a start does; from the command line, the environment and `.env`, in this order. */
export type StartOptions = {
  /** Folder of all state, absolute. */
  home: string
  /** Address that web and gateway listen on. */
  host: string
  ports: { web: number; gateway: number; dtma: number }
  /** URLs of a Postgres of one's own; the embedded one runs when there are none. */
  database: { appUrl: string; ownerUrl: string } | null
  redisUrl: string | null
  publicUrl: string | null
  gatewayPublicUrl: string | null
  allowSystemInstall: boolean
  /** What children inherit. */
  env: NodeJS.ProcessEnv
}

export const USAGE = `npm start [-- options]

Starts Toolberth: database, Redis, web application, worker, gateway and a local toolbox.

  --port PORT             web application                   (PORT, 3000)
  --gateway-port PORT     what agents call                  (GATEWAY_PORT, 3100)
  --dtma-port PORT        the local toolbox's agent         (DTMA_PORT, 7443)
  --host ADDRESS          listen there, not on 127.0.0.1    (HOST)
  --home DIR              where all state lives             (TOOLBERTH_HOME, .toolberth)
  --no-system-install     never install Redis with the system's package manager
  --help                  this text

  DATABASE_URL and DATABASE_OWNER_URL, REDIS_URL   use a Postgres or Redis of your own
  PUBLIC_URL, GATEWAY_PUBLIC_URL                   how others reach web and gateway

Variables may also stand in a file .env in the repository's folder.`

/**
 * Parses arguments and environment. `root` is the repository's folder, which relative homes and `.env` belong to.
 * Answers 'help' when asked for it; throws `StartError` with one line for an unknown option or a bad value.
 */
export function readOptions(
  args: string[],
  environment: NodeJS.ProcessEnv,
  root: string,
): StartOptions | 'help' {
  const flags = readFlags(args)
  if (flags.help) return 'help'
  const env = withoutEmpty({ ...readEnvFile(resolve(root, '.env')), ...environment })
  const ports = {
    web: port(flags.port ?? env.PORT ?? '3000', '--port (PORT)'),
    gateway: port(flags['gateway-port'] ?? env.GATEWAY_PORT ?? '3100', '--gateway-port (GATEWAY_PORT)'),
    dtma: port(flags['dtma-port'] ?? env.DTMA_PORT ?? '7443', '--dtma-port (DTMA_PORT)'),
  }
  const home = flags.home ?? env.TOOLBERTH_HOME ?? '.toolberth'
  if (home.trim() === '') throw new StartError('--home needs a folder.')
  return {
    home: resolve(root, home),
    host: flags.host ?? env.HOST ?? '127.0.0.1',
    ports,
    database: databaseUrls(env),
    redisUrl: url(env.REDIS_URL, 'REDIS_URL', ['redis:', 'rediss:'], 'redis://:password@host:6379'),
    publicUrl: url(env.PUBLIC_URL, 'PUBLIC_URL', ['http:', 'https:'], 'https://toolberth.example.com'),
    gatewayPublicUrl: url(
      env.GATEWAY_PUBLIC_URL,
      'GATEWAY_PUBLIC_URL',
      ['http:', 'https:'],
      'https://mcp.example.com',
    ),
    allowSystemInstall: !flags['no-system-install'],
    env,
  }
}

function readFlags(args: string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args,
      options: {
        port: text,
        'gateway-port': text,
        'dtma-port': text,
        host: text,
        home: text,
        'no-system-install': flag,
        help: { ...flag, short: 'h' },
      },
    }).values
  } catch (error) {
    // The first sentence names the option; what follows is advice for quoting that does not apply.
    throw new StartError(
      `${(error as Error).message.split(/\. |\n/)[0]}. "npm start -- --help" lists the options.`,
    )
  }
}

/** Next reads the same file by itself; a variable that is really set wins there too. */
function readEnvFile(path: string): NodeJS.ProcessEnv {
  return (existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {}) as NodeJS.ProcessEnv
}

/** `DATABASE_URL=` in a file or shell means "not set". */
function withoutEmpty(env: NodeJS.Dict<string>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')) as NodeJS.ProcessEnv
}

function port(text: string, option: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= 65_535) return value
  throw new StartError(`${option} is a number from 1 to 65535, not "${text}".`)
}

function databaseUrls(env: NodeJS.ProcessEnv): StartOptions['database'] {
  const example = 'postgresql://user:password@host:5432/toolberth'
  const protocols = ['postgres:', 'postgresql:']
  const appUrl = url(env.DATABASE_URL, 'DATABASE_URL', protocols, example)
  const ownerUrl = url(env.DATABASE_OWNER_URL, 'DATABASE_OWNER_URL', protocols, example)
  if (appUrl && ownerUrl) return { appUrl, ownerUrl }
  if (appUrl) {
    throw new StartError(
      'DATABASE_URL is set without DATABASE_OWNER_URL, which migrations need: the same database as user toolberth_owner (scripts/services/roles.sql makes both users).',
    )
  }
  if (ownerUrl) throw new StartError('DATABASE_OWNER_URL is set without DATABASE_URL; set both or neither.')
  return null
}

function url(text: string | undefined, name: string, protocols: string[], example: string): string | null {
  if (text === undefined) return null
  if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return text
  throw new StartError(`${name} is not a URL like ${example}.`)
}
