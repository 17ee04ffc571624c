import { mkdtempSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { inject } from 'vitest'
import { createToolberthClient, type ToolberthClient } from '#client/index.ts'
import type { DeployAnswer, DeploymentState } from '#contracts/deployments.ts'
import { Failure } from '#contracts/errors.ts'
import type { DeployServerInput } from '#contracts/servers.ts'
import { freePorts } from '#scripts/start/check-ports.ts'
import { serverEnv } from '#scripts/start/environments.ts'
import type { StartOptions } from '#scripts/start/options.ts'
import { plainProgress } from '#scripts/start/progress.ts'
import { startToolberth, type Toolberth } from '#scripts/start/supervisor.ts'
import { FIXTURE_SCOPE, type FixtureRegistry, startFixtureRegistry } from '#testing/npm-registry.ts'
import { noteProcess } from '#testing/run-folder.ts'
import { leftoversOf } from './leftovers.ts'
import { queryAsSystem } from './query-as-system.ts'
import { until } from './until.ts'

/** How a deployment ended. */
export type Ending = { state: DeploymentState; failure: Failure | null }

export type Installation = {
  toolberth: Toolberth
  client: ToolberthClient
  registry: FixtureRegistry
  /** Environment of its web, worker and gateway. */
  env: NodeJS.ProcessEnv
  /** Where the local toolbox's agent keeps its servers. */
  agentHome: string
  /** SQL as the application's own database user, seeing what the system sees. */
  rows<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>
  /** Deploys a fixture over stdio. */
  deploy(
    name: string,
    fixture: string,
    more?: Partial<DeployServerInput>,
  ): Promise<DeployAnswer & { name: string }>
  /** Waits until the deployment has ended and nothing is left to do for it, by the rows: web may be down meanwhile. */
  ended(deploymentId: string, timeoutMs: number): Promise<Ending>
  /** Deletes the server, waits until it is gone and answers what is left of its instances on the machine. */
  remove(server: { serverId: string; name: string }): Promise<string[]>
  /** May be called twice. */
  stop(): Promise<void>
}

export const fixtureFolder = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const folderOf = (fixture: string) => (isAbsolute(fixture) ? fixture : fixtureFolder(fixture))

/**
 * A whole Toolberth on free ports, with a temporary home, whose toolbox installs fixtures (ours by name, others by folder) from a
 * registry on loopback.
 */
export async function startInstallation(
  fixtures: string[],
  change: { env?: Record<string, string>; publicUrl?: string } = {},
): Promise<Installation> {
  const runFolder = inject('runFolder')
  const home = mkdtempSync(join(runFolder, 'homes', 'faults-'))
  const registry = await startFixtureRegistry(fixtures.map(folderOf))
  const options: StartOptions = {
    home,
    host: '127.0.0.1',
    ports: await freePorts(),
    database: null,
    redisUrl: null,
    publicUrl: change.publicUrl ?? null,
    gatewayPublicUrl: null,
    allowSystemInstall: false,
    env: { ...process.env, DTMA_NPM_USERCONFIG: registry.npmrcPath, ...change.env },
  }
  const output: string[] = []
  const toolberth = await startToolberth({
    ...options,
    progress: plainProgress((line) => output.push(line)),
  }).catch(async (error: Error) => {
    await registry.stop()
    throw new Error([error.message, ...output].join('\n'), { cause: error })
  })
  for (const pid of Object.values(toolberth.pids())) noteProcess(runFolder, pid)
  const env = serverEnv(options, { database: toolberth.databaseUrl, redis: toolberth.redisUrl })
  const agentHome = env.DTMA_HOME ?? ''
  const client = createToolberthClient({
    url: `http://127.0.0.1:${options.ports.web}`,
    apiKey: toolberth.adminApiKey,
  })
  let stopped: Promise<void> | null = null
  const rows: Installation['rows'] = (sql, values) => queryAsSystem(toolberth.databaseUrl, sql, values)

  return {
    toolberth,
    client,
    registry,
    env,
    agentHome,
    rows,
    async deploy(name, fixture, more = {}) {
      const source = { type: 'npm' as const, package: `${FIXTURE_SCOPE}/${fixture}` }
      return { ...(await client.servers.deploy.mutate({ name, source, transport: 'stdio', ...more })), name }
    },
    ended: (deploymentId, timeoutMs) =>
      until(
        `deployment ${deploymentId} ends`,
        async () => {
          const [row] = await rows<{ state: DeploymentState; failure: unknown }>(
            `SELECT state, failure FROM deployments WHERE id = $1
                AND finished_at IS NOT NULL AND (state = 'live' OR cleaned_up_at IS NOT NULL)`,
            [deploymentId],
          )
          return row && { ...row, failure: row.failure === null ? null : Failure.parse(row.failure) }
        },
        timeoutMs,
      ),
    async remove({ serverId, name }) {
      await until('the server is to be deleted', () =>
        client.servers.delete.mutate({ id: serverId, confirmName: name }),
      )
      await until(`server ${name} is deleted`, async () => {
        const found = await rows('SELECT FROM mcp_servers WHERE id = $1 AND deleted_at IS NOT NULL', [
          serverId,
        ])
        return found.length > 0
      })
      const instances = await rows<{ id: string }>('SELECT id FROM instances WHERE server_id = $1', [
        serverId,
      ])
      return leftoversOf(agentHome, [serverId, ...instances.map(({ id }) => id)])
    },
    stop() {
      stopped ??= toolberth.stop().then(() => registry.stop())
      return stopped
    },
  }
}
