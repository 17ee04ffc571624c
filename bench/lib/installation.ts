import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createToolberthClient, type ToolberthClient } from '#client/index.ts'
import { removeHome } from '#scripts/services/system-home.ts'
import { freePorts } from '#scripts/start/check-ports.ts'
import { plainProgress } from '#scripts/start/progress.ts'
import { startToolberth, type Toolberth } from '#scripts/start/supervisor.ts'
import { queryAsSystem } from '#testing/faults/query-as-system.ts'
import { FIXTURE_SCOPE, type FixtureRegistry, startFixtureRegistry } from '#testing/npm-registry.ts'

const FIXTURE = fileURLToPath(new URL('../../testing/fixtures/plain-server', import.meta.url))
/** Small, so that many fit on any machine that runs the benches. */
const LIMITS = { memoryMb: 64, cpus: 0.1 }
/** A cold install of a large package on a busy machine fits. */
const DEADLINE_MS = 10 * 60_000
const POLL_MS = 100

export interface Bench {
  toolberth: Toolberth
  client: ToolberthClient
  registry: FixtureRegistry
  env: NodeJS.ProcessEnv
  rows: <Row extends Record<string, unknown>>(sql: string, values?: unknown[]) => Promise<Row[]>
  deploy: (name: string, toolboxId?: string) => Promise<{ serverId: string; deploymentId: string }>
  /** Milliseconds from accepted to live by the database's rows. Throws when one of them does not go live. */
  live: (deployments: readonly { deploymentId: string }[]) => Promise<number[]>
  /** Deletes the servers and waits until their toolboxes have confirmed it. */
  remove: (servers: readonly { serverId: string; name: string }[]) => Promise<void>
  say: (line: string) => void
  /** Does this before the installation is stopped. */
  atEnd: (work: () => unknown) => void
}

/**
 * Starts an installation of its own on free ports, gives it to `use`, and removes everything of it however that ended, Ctrl-C
 * included.
 */
export async function withInstallation(
  packageName: string | null,
  use: (bench: Bench) => Promise<void>,
): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  const stopping = new AbortController()
  const endings: (() => unknown)[] = []
  let ended: Promise<void> | undefined
  const end = () => (ended ??= endAll(endings))
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      say('Stopping')
      stopping.abort()
      void end().finally(() => process.exit(130))
    })
  try {
    const home = mkdtempSync(join(tmpdir(), 'toolberth-bench-'))
    endings.push(() => removeHome(home))
    const registry = await startFixtureRegistry([FIXTURE])
    endings.push(() => registry.stop())
    const ports = await freePorts()
    const env = {
      ...process.env,
      DTMA_NPM_USERCONFIG: registry.npmrcPath,
      // The second toolbox of a bench is a process of this machine.
      ALLOW_LOOPBACK_TOOLBOXES: '1',
    }
    const starting = startToolberth({
      home,
      host: '127.0.0.1',
      ports,
      database: null,
      redisUrl: null,
      publicUrl: null,
      gatewayPublicUrl: null,
      allowSystemInstall: true,
      env,
      progress: plainProgress(say),
      signal: stopping.signal,
    })
    // One that is not up yet ends with its start.
    endings.push(() =>
      starting.then(
        (toolberth) => toolberth.stop(),
        () => undefined,
      ),
    )
    const toolberth = await starting
    const bench = { toolberth, registry, say, env: { ...env, PORT: String(ports.web) } }
    await use({
      ...bench,
      atEnd: (work) => void endings.push(work),
      ...driver(toolberth, packageName ?? `${FIXTURE_SCOPE}/plain-server`),
    })
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

function driver(toolberth: Toolberth, packageName: string) {
  const client = createToolberthClient({ url: toolberth.url, apiKey: toolberth.adminApiKey })
  const rows: Bench['rows'] = (sql, values) => queryAsSystem(toolberth.databaseUrl, sql, values)
  async function until(what: string, done: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS
    while (!(await done())) {
      if (Date.now() > deadline) throw new Error(`${what}: not within ${DEADLINE_MS / 60_000} minutes`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
  return {
    client,
    rows,
    deploy: (name: string, toolboxId?: string) =>
      client.servers.deploy.mutate({
        name,
        ...(toolboxId && { toolboxId }),
        source: { type: 'npm', package: packageName },
        transport: 'stdio',
        limits: LIMITS,
      }),
    async live(deployments: readonly { deploymentId: string }[]) {
      const ids = deployments.map(({ deploymentId }) => deploymentId)
      let ended: { state: string; failure: unknown; ms: number }[] = []
      await until('deployments end', async () => {
        ended = await rows(
          `SELECT state, failure, (extract(epoch FROM finished_at - created_at) * 1000)::float8 AS ms FROM deployments
           WHERE id = ANY($1) AND finished_at IS NOT NULL`,
          [ids],
        )
        return ended.length === ids.length
      })
      const failed = ended.find(({ state }) => state !== 'live')
      if (failed) throw new Error(`One did not go live: ${failed.state} ${JSON.stringify(failed.failure)}`)
      return ended.map(({ ms }) => ms)
    },
    async remove(servers: readonly { serverId: string; name: string }[]) {
      for (const { serverId, name } of servers)
        await client.servers.delete.mutate({ id: serverId, confirmName: name })
      const ids = servers.map(({ serverId }) => serverId)
      await until('servers are deleted', async () => {
        const left = await rows('SELECT FROM mcp_servers WHERE id = ANY($1) AND deleted_at IS NULL', [ids])
        return left.length === 0
      })
    },
  }
}
