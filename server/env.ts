import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ImageReference } from '#contracts/names.ts'

const LOOPBACK = /^(localhost|127(?:\.\d+){3}|\[::1\])$/
const Port = z.coerce.number().int().min(1).max(65_535)
const Url = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''))
/** A token goes there: past this machine over TLS alone. */
const SafeUrl = Url.refine(
  (url) => new URL(url).protocol === 'https:' || LOOPBACK.test(new URL(url).hostname),
  'must be https unless it is on this machine',
)

const Schema = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('production'),
  /** Postgres as the app user. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  /** File with 32 random bytes in base64. */
  MASTER_KEY_FILE: z.string().min(1),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: Port.default(3000),
  GATEWAY_PORT: Port.default(3100),
  PUBLIC_URL: Url.optional(),
  GATEWAY_PUBLIC_URL: Url.optional(),
  /** Where web reaches the gateway itself, past any proxy; left out: on this machine. */
  GATEWAY_URL: Url.optional(),
  /** An MCP registry to import from, without the version of its API. */
  MCP_REGISTRY_URL: Url.default('https://registry.modelcontextprotocol.io'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Keys of queues and channels start with it, so that installations can share one Redis. */
  REDIS_PREFIX: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .default('toolberth'),
  /** Folder of what `npm run pack:agent` made. Relative to the folder that the process runs in. */
  AGENT_FOLDER: z.string().min(1).default('dist/agent'),
  /** Image in which the agent runs where Docker is all there is: Node 24 or newer, curl and a shell. */
  AGENT_IMAGE: ImageReference.default('node:24-bookworm'),
  /** Lets toolboxes enrol although PUBLIC_URL is a loopback address: they have to be on this machine then. */
  ALLOW_LOOPBACK_TOOLBOXES: z
    .enum(['0', '1'])
    .default('0')
    .transform((value) => value === '1'),
  /** Connections of this process to Postgres. */
  DATABASE_POOL: z.coerce.number().int().min(2).max(100).default(10),
  /** Deployments that one worker moves at the same time. */
  PROVISION_CONCURRENCY: z.coerce.number().int().min(1).max(200).default(10),
  /** How often a connection that works is tested again, give or take a tenth. */
  CONNECTION_RECHECK_SECONDS: z.coerce.number().int().min(5).max(86_400).default(300),
  /** Calls that a toolbox gets in a second from all processes together; more of them wait. */
  DTMA_CALLS_PER_SECOND: z.coerce.number().int().min(1).max(10_000).default(100),
  /** Tool calls of an agent that has no limit of its own, by all gateways together; 0: no limit. */
  GATEWAY_CALLS_PER_MINUTE: z.coerce.number().int().min(0).max(10_000_000).default(6000),
  /** A session with a server that no call has used for so long is ended. */
  GATEWAY_IDLE_SECONDS: z.coerce.number().int().min(1).max(86_400).default(600),
  /** Opens the gateway's /metrics; left out: callers on its own machine alone. */
  METRICS_TOKEN: z.string().min(16).optional(),
  /** Revisions of each server that can be rolled back to, besides those that serve or served last. */
  REVISIONS_KEPT: z.coerce.number().int().min(2).max(1000).default(10),
  /** How often a core is promised: the sum of the CPU limits on a toolbox may be so many times its cores. */
  CPU_OVERCOMMIT: z.coerce.number().min(1).max(1000).default(32),
  /** DigitalOcean's API; another address for tests, or for a proxy that guards the token. */
  DIGITALOCEAN_API_URL: SafeUrl.default('https://api.digitalocean.com'),
  /** File with the token; left out: an admin stores one in the pages. */
  DIGITALOCEAN_TOKEN_FILE: z.string().min(1).optional(),
  /** DigitalOcean lets through 250; the account has other users than this installation. */
  DIGITALOCEAN_REQUESTS_PER_MINUTE: z.coerce.number().int().min(10).max(100_000).default(120),
  DIGITALOCEAN_TIMEOUT_MS: z.coerce.number().int().min(100).max(10_000).default(8_000),
})

export type Env = z.infer<typeof Schema> & {
  PUBLIC_URL: string
  GATEWAY_PUBLIC_URL: string
  GATEWAY_URL: string
}

/** Thrown once at start; its message is one line per wrong variable, fit to be shown as it is. */
export class EnvError extends Error {}

/** Parses the environment of web, worker and gateway. Throws EnvError. Values never appear in its message. */
export function parseEnv(source: Record<string, string | undefined>): Env {
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''))
  const parsed = Schema.safeParse(given)
  if (!parsed.success)
    throw new EnvError(
      parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'),
    )
  const env = parsed.data
  return {
    ...env,
    PUBLIC_URL: env.PUBLIC_URL ?? `http://localhost:${env.PORT}`,
    GATEWAY_PUBLIC_URL: env.GATEWAY_PUBLIC_URL ?? `http://localhost:${env.GATEWAY_PORT}`,
    GATEWAY_URL: env.GATEWAY_URL ?? `http://${gatewayHost(env.HOST)}:${env.GATEWAY_PORT}`,
  }
}

/** An address that a process on the same machine can call what listens at `host`. */
function gatewayHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

let current: Env | undefined
/** The environment of this process, parsed at first use (a build must not need it). */
export const env: Env = new Proxy({} as Env, {
  get(_target, name) {
    current ??= parseEnv(process.env)
    return current[name as keyof Env]
  },
})

/**
 * The master keys, 32 bytes each: the one that seals first, then those that it takes over from, a line each. Throws EnvError when
 * the file is missing or holds anything else.
 */
export function readMasterKeys(file: string): [Buffer, ...Buffer[]] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new EnvError(`MASTER_KEY_FILE: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`)
  }
  const [first, ...earlier] = text
    .split(/\s+/)
    .filter((line) => line !== '')
    .map(toKey)
  if (first === undefined) throw new EnvError('MASTER_KEY_FILE: is empty')
  return [first, ...earlier]
}

function toKey(line: string): Buffer {
  const key = Buffer.from(line, 'base64')
  if (key.length !== 32) throw new EnvError('MASTER_KEY_FILE: does not hold 32 bytes in base64')
  return key
}
