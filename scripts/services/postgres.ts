import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type EndStep, endProcess } from '#scripts/processes/end-process.ts'
import { commandLine } from '#scripts/processes/identity.ts'
import { StartError } from '#scripts/start-error.ts'
import { ensureDatabase, ensureRoles } from './ensure-roles.ts'
import { freePort, isPortFree } from './ports.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { ensureCluster, placeData, postgresEnv, saveState } from './postgres-cluster.ts'
import { type ExitInfo, lastLines, type ServiceProcess, spawnService } from './service-process.ts'
import { postgresUser } from './service-user.ts'

export type RunningPostgres = {
  /** Superuser, database `postgres`. */
  adminUrl: string
  /** `toolberth_owner`, database `toolberth`: migrations only. */
  ownerUrl: string
  /** `toolberth_app`, database `toolberth`: what the processes use. */
  appUrl: string
  port: number
  pid: number
  /** Resolves when the server ends, wanted or not. */
  exited: Promise<ExitInfo>
  stop(): Promise<void>
}

/** SIGINT is Postgres's fast shutdown, SIGQUIT its immediate one (recovers at the next start). */
const END_POSTGRES: EndStep[] = [
  { signal: 'SIGINT', waitMs: 15_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]
const START_ATTEMPTS = 5
const START_TIMEOUT_MS = 60_000

/** Small: it serves one machine's control plane. Connections leave room for several suites or replicas at once. */
const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '64MB',
  max_wal_size: '512MB',
  password_encryption: 'scram-sha-256',
  log_min_messages: 'warning',
  log_line_prefix: '%m [%p] %q%u@%d ',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/**
 * Starts the embedded Postgres 18 on loopback, with roles and the empty database `toolberth` in place. The first call on a
 * `dataDir` creates the data (1-2 s), `<dataDir>.json` (0600) keeps passwords and port. A server left over from a killed
 * run is stopped first. Throws `StartError` with one line when it cannot run.
 * `port` insists on that port; without it the last one is used again when free. `settings` adds server settings.
 */
export async function startPostgres(options: {
  dataDir: string
  log: (line: string) => void
  port?: number
  logFile?: string
  settings?: Record<string, string>
}): Promise<RunningPostgres> {
  const { log } = options
  const dataDir = resolve(options.dataDir)
  const logFile = options.logFile ?? join(dirname(dataDir), 'logs', 'postgres.log')
  const user = await postgresUser(log)
  const binaries = postgresBinaries(user)
  const place = placeData(dataDir, user)
  await stopLeftoverPostgres(place, log)
  const state = await ensureCluster({ dataDir, place, user, binaries, log })
  if (options.port !== undefined && !(await isPortFree(options.port))) {
    throw new StartError(`Port ${options.port}, meant for Postgres, is in use.`)
  }
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort(state.port))
    const settings = { ...SETTINGS, ...options.settings, port: String(port) }
    const server = await spawnService(binaries.postgres, ['-D', place, ...asFlags(settings)], {
      logFile,
      cwd: '/',
      user,
      env: postgresEnv(),
    })
    const url = (role: string, password: string, database: string) =>
      `postgresql://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`
    const adminUrl = url('postgres', state.adminPassword, 'postgres')
    const stop = () => endProcess(server.pid, { steps: END_POSTGRES }).then(() => undefined)
    const verdict = await waitUntilReady(server, adminUrl)
    if (verdict === 'exited' && attempt < START_ATTEMPTS) {
      // Backends of a killed postmaster hold its shared memory for a moment; and a free port can be lost to another program.
      await sleep(500 * attempt)
      continue
    }
    if (verdict !== 'ready') {
      await stop()
      throw new StartError(
        `Postgres does not start: ${lastLines(logFile, 1)[0] ?? verdict} (log: ${logFile})`,
      )
    }
    try {
      await withClient(adminUrl, async (admin) => {
        await ensureRoles(admin, state)
        await ensureDatabase(admin)
      })
    } catch (error) {
      await stop()
      throw new StartError(
        `Postgres refused the set-up of its roles: ${(error as Error).message} (log: ${logFile})`,
      )
    }
    saveState(dataDir, { ...state, port })
    return {
      adminUrl,
      ownerUrl: url('toolberth_owner', state.ownerPassword, 'toolberth'),
      appUrl: url('toolberth_app', state.appPassword, 'toolberth'),
      port,
      pid: server.pid,
      exited: server.exited,
      stop,
    }
  }
}

/** Ends the server that a killed run left on this data; a pid file that names some other program is stale and removed. */
export async function stopLeftoverPostgres(place: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(place, 'postmaster.pid')
  if (!existsSync(pidFile)) return
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0])
  if (Number.isInteger(pid) && pid > 1 && commandLine(pid)?.includes(`-D ${place} `)) {
    log(`Stopping the Postgres of an earlier run (pid ${pid})`)
    if (!(await endProcess(pid, { steps: END_POSTGRES }))) {
      throw new StartError(`Postgres of an earlier run (pid ${pid}) does not stop; end it and start again.`)
    }
  }
  rmSync(pidFile, { force: true })
}

async function waitUntilReady(
  server: ServiceProcess,
  url: string,
): Promise<'ready' | 'exited' | 'no answer in time'> {
  const deadline = Date.now() + START_TIMEOUT_MS
  const exited = server.exited.then(() => 'exited' as const)
  while (Date.now() < deadline) {
    const answered = withClient(url, async () => undefined).then(
      () => 'ready' as const,
      () => sleep(50, 'again' as const),
    )
    const outcome = await Promise.race([exited, answered])
    if (outcome !== 'again') return outcome
  }
  return 'no answer in time'
}

async function withClient(url: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await use(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

function asFlags(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
