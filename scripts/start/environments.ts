import { join } from 'node:path'
import { makeSystemHome } from '#scripts/services/system-home.ts'
import { homePaths } from './home.ts'
import type { StartOptions } from './options.ts'

export type Addresses = { url: string; gatewayUrl: string; dtmaUrl: string }

/** Where this run's processes answer on this machine, and what it is called from outside. */
export function addressesOf(options: StartOptions): Addresses {
  const { ports, publicUrl, gatewayPublicUrl } = options
  return {
    url: (publicUrl ?? `http://localhost:${ports.web}`).replace(/\/+$/, ''),
    gatewayUrl: (gatewayPublicUrl ?? `http://localhost:${ports.gateway}`).replace(/\/+$/, ''),
    dtmaUrl: `https://127.0.0.1:${ports.dtma}`,
  }
}

/** The address under which we ourselves reach a listener: a wildcard is not one. */
export function dialable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/** Environment of web, worker, gateway and the seed: database as the app user, Redis, master key, addresses. */
export function serverEnv(
  options: StartOptions,
  urls: { database: string; redis: string },
): NodeJS.ProcessEnv {
  const { url, gatewayUrl } = addressesOf(options)
  return {
    ...inherited(options.env),
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    TOOLBERTH_HOME: options.home,
    DATABASE_URL: urls.database,
    REDIS_URL: urls.redis,
    MASTER_KEY_FILE: homePaths(options.home).masterKey,
    HOST: options.host,
    PORT: String(options.ports.web),
    GATEWAY_PORT: String(options.ports.gateway),
    PUBLIC_URL: url,
    GATEWAY_PUBLIC_URL: gatewayUrl,
    DTMA_PORT: String(options.ports.dtma),
    DTMA_ADVERTISED_URL: addressesOf(options).dtmaUrl,
    DTMA_HOME: agentHome(options),
  }
}

/**
 * Where the local agent keeps its state. As root in the system home, whose folders the user ids of its servers can pass; the
 * home admits nobody.
 */
function agentHome({ home }: StartOptions): string {
  return process.getuid?.() === 0 ? join(makeSystemHome(home), 'dtma') : join(home, 'dtma')
}

/** Environment of the local toolbox's agent: nothing that opens the database, Redis or a secret. */
export function agentEnv(options: StartOptions): NodeJS.ProcessEnv {
  const { DIGITALOCEAN_TOKEN_FILE: _, ...env } = inherited(options.env)
  return {
    ...env,
    NODE_ENV: 'production',
    DTMA_HOME: agentHome(options),
    DTMA_PORT: String(options.ports.dtma),
    DTMA_HOST: '127.0.0.1',
    DTMA_ADVERTISED_URL: addressesOf(options).dtmaUrl,
    CONTROL_PLANE_URL: `http://${dialable(options.host)}:${options.ports.web}`,
    ENROLLMENT_TOKEN_FILE: homePaths(options.home).enrollmentToken,
  }
}

/** What opens the installation's stores: no child gets it that is not handed it above. */
const PRIVATE = new Set([
  'DATABASE_OWNER_URL',
  'DATABASE_URL',
  'REDIS_URL',
  'MASTER_KEY_FILE',
  'ENROLLMENT_TOKEN',
])

function inherited(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !PRIVATE.has(name))) as NodeJS.ProcessEnv
}
