import { resolve } from 'node:path'
import { z } from 'zod'
import { ImageReference } from '#contracts/names.ts'
import { parseAllowedRemotes } from '#mcp/address-guard.ts'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

const Flag = z
  .enum(['0', '1', 'true', 'false', ''])
  .default('0')
  .transform((value) => value === '1' || value === 'true')

const ControlPlaneUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL', abort: true })
  .refine((value) => new URL(value).pathname === '/', 'must be an origin without a path')
  .refine((value) => {
    const url = new URL(value)
    return url.protocol === 'https:' || LOOPBACK.test(url.hostname)
  }, 'must be https unless the control plane is on this machine')
  .transform((value) => new URL(value).origin)

const Env = z.object({
  /** Folder of the agent's state; everything under it belongs to the agent. */
  DTMA_HOME: z
    .string()
    .min(1)
    .transform((path) => resolve(path)),
  DTMA_HOST: z.string().min(1).default('127.0.0.1'),
  DTMA_PORT: z.coerce.number().int().min(1).max(65_535).default(7443),
  DTMA_ADVERTISED_URL: z.url({ protocol: /^https$/, error: 'must be an https URL' }).optional(),
  CONTROL_PLANE_URL: ControlPlaneUrl,
  ENROLLMENT_TOKEN: z.string().min(20).optional(),
  ENROLLMENT_TOKEN_FILE: z.string().min(1).optional(),
  /** What servers run in; `auto` is Docker where an engine answers when the agent starts. */
  DTMA_DRIVER: z.enum(['process', 'docker', 'auto']).default('process'),
  /** The engine of this very machine: `unix://` and the path of its socket. */
  DOCKER_HOST: z.string().default('unix:///var/run/docker.sock'),
  /** Networks of containers are cut out of it, eight addresses each. */
  DTMA_NETWORK_POOL: z
    .string()
    .regex(/^\d{1,3}(\.\d{1,3}){3}\/(8|9|1\d|2[0-9])$/, 'must be an IPv4 network such as 10.231.0.0/16')
    .default('10.231.0.0/16'),
  /** The image that npm packages are installed and run in by the docker driver. */
  DTMA_NODE_IMAGE: ImageReference.default('node:24-slim'),
  ALLOW_UNISOLATED: Flag,
  /** npm configuration (registry, credentials) for installs in place of the invoking user's. */
  DTMA_NPM_USERCONFIG: z.string().min(1).optional(),
  /** Seconds a started server has to answer on its transport. */
  DTMA_READY_TIMEOUT_SECONDS: z.coerce.number().min(1).max(600).default(60),
  /** Host names, addresses and CIDR blocks that remote servers may be at although they are not public. */
  DTMA_ALLOW_PRIVATE_REMOTES: z
    .string()
    .default('')
    .transform((text, ctx) => {
      try {
        return parseAllowedRemotes(text)
      } catch (error) {
        ctx.addIssue({ code: 'custom', message: (error as Error).message })
        return z.NEVER
      }
    }),
  /** Seconds between two looks at a remote server that answers. */
  DTMA_REMOTE_CHECK_SECONDS: z.coerce.number().min(1).max(3600).default(60),
  /** Sessions that one isolated server may have at a time, each with a process or container of its own. */
  DTMA_ISOLATED_SESSIONS: z.coerce.number().int().min(1).max(1000).default(32),
  /** Seconds without use after which such a session ends. */
  DTMA_ISOLATED_IDLE_SECONDS: z.coerce.number().min(1).max(86_400).default(600),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
})

export type DtmaEnv = Omit<z.infer<typeof Env>, 'DTMA_ADVERTISED_URL'> & { DTMA_ADVERTISED_URL: string }

/** Reads the environment. Throws an Error with one line per wrong variable. */
export function readEnv(source: NodeJS.ProcessEnv): DtmaEnv {
  const parsed = Env.safeParse(source)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new Error(lines.join('\n'))
  }
  if (parsed.data.DTMA_DRIVER !== 'process' && !/^unix:\/\/\/.+/.test(parsed.data.DOCKER_HOST)) {
    throw new Error('DOCKER_HOST: must be unix:// and a path; the agent runs beside its engine.')
  }
  const advertised = parsed.data.DTMA_ADVERTISED_URL ?? `https://127.0.0.1:${parsed.data.DTMA_PORT}`
  return { ...parsed.data, DTMA_ADVERTISED_URL: new URL(advertised).origin }
}
