import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '#scripts/services/ports.ts'
import { startPostgres } from '#scripts/services/postgres.ts'
import { startRedis } from '#scripts/services/redis.ts'
import { migrate } from '#server/db/migrate.ts'
import { type Child, startServer } from './child.ts'

/** Where an instance of a server is said to be. */
export interface BenchServer {
  slug: string
  toolbox: { url: string; certificate: string }
}

export interface Stack {
  folder: string
  services: { postgres: number; redis: number }
  /** Makes an agent of a user of its own, connected to these. */
  connect(servers: readonly BenchServer[]): Promise<{ agentId: string; token: string }>
  /** Starts the real gateway, `node gateway/index.ts`; `env` goes before the bench's own. */
  startGateway(
    env?: Record<string, string>,
    nodeArgs?: string[],
  ): Promise<Child & { port: number; ask: <Answer>() => Promise<Answer> }>
  query: <Row extends Record<string, unknown>>(sql: string) => Promise<Row[]>
}

/**
 * A control plane without pages and worker: Postgres as `npm start` runs it, Redis, and the domain's rows, for gateways of the bench. All of
 * it ends with `use`, Ctrl-C included.
 */
export async function withStack(
  use: (stack: Stack, atEnd: (work: () => unknown) => void) => Promise<void>,
): Promise<void> {
  const endings: (() => unknown)[] = []
  let ended: Promise<void> | undefined
  const end = () => (ended ??= endAll(endings))
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void end().finally(() => process.exit(130)))
  try {
    const folder = mkdtempSync(join(tmpdir(), 'toolberth-bench-'))
    endings.push(() => rmSync(folder, { recursive: true, force: true }))
    const log = () => undefined
    const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), log })
    endings.push(() => postgres.stop())
    const redis = await startRedis({ dir: join(folder, 'redis'), log, allowSystemInstall: true })
    endings.push(() => redis.stop())
    await migrate({ ownerUrl: postgres.ownerUrl, log })
    const masterKeyFile = join(folder, 'master.key')
    writeFileSync(masterKeyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
    const env = {
      NODE_ENV: 'production' as const,
      DATABASE_URL: postgres.appUrl,
      REDIS_URL: redis.url,
      MASTER_KEY_FILE: masterKeyFile,
      LOG_LEVEL: 'info',
      // Counted, but never in the way.
      GATEWAY_CALLS_PER_MINUTE: '10000000',
    }
    // Server code reads its environment when it is first used.
    Object.assign(process.env, env, { LOG_LEVEL: 'warn' })
    const seed = await import('./seed.ts')
    endings.push(() => seed.closeSeed())
    await seed.seedInstallation()
    const stack: Stack = {
      folder,
      services: { postgres: postgres.pid, redis: redis.pid },
      connect: seed.seedConnectedAgent,
      query: (sql) => seed.queryAsSystem(postgres.adminUrl, sql),
      async startGateway(more = {}, nodeArgs = []) {
        const port = await freePort()
        const gateway = await startServer([...nodeArgs, 'gateway/index.ts'], {
          port,
          path: '/healthz',
          logFile: join(folder, 'gateway.log'),
          env: { PATH: process.env.PATH, ...env, GATEWAY_PORT: String(port), ...more },
        })
        endings.push(() => gateway.stop())
        return { ...gateway, port }
      },
    }
    await use(stack, (work) => void endings.push(work))
  } finally {
    await end()
  }
}

/** What was begun last ends first; what fails keeps nothing else from ending. */
async function endAll(endings: readonly (() => unknown)[]): Promise<void> {
  for (const work of endings.toReversed())
    try {
      await work()
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`)
    }
}
