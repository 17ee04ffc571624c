import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ToolberthDeploymentFailed, waitForDeployment } from '#client/index.ts'
import type { DeployAnswer } from '#contracts/deployments.ts'
import { ERROR_CATALOGUE, type ErrorCode } from '#contracts/errors.ts'
import { agentAnswers } from '#scripts/start/readiness.ts'
import { type Installation, startInstallation } from './installation.ts'
import { leftoversOf } from './leftovers.ts'
import { addToolbox, type SecondToolbox } from './second-toolbox.ts'
import { until } from './until.ts'

/** A deployment waits 45 s for a toolbox that is silent; after as long, the next look (every 30 s) calls it unreachable. */
const UNREACHABLE_MS = 100_000

/** One worker moves 10 deployments at the same time; each call to a toolbox that hangs takes 5 s. */
const STUCK = 50
/** Small enough for all of them to fit. */
const LIMITS = { memoryMb: 64, cpus: 0.1 }
/** The same work twice on a busy machine differs; one call that waits for the hung toolbox costs more than this. */
const NOT_SLOWER = 3

let installation: Installation
let box: SecondToolbox
let deployedToNobody: DeployAnswer & { name: string }

beforeAll(async () => {
  installation = await startInstallation(['exits-at-once', 'needs-variable', 'not-mcp', 'plain-server'], {
    env: { DTMA_READY_TIMEOUT_SECONDS: '4' },
    // Toolboxes other than the local one are refused while nobody outside could reach us.
    publicUrl: 'http://toolberth.test',
  })
  box = await addToolbox(installation, 'second')
  // Its patience is what takes longest, so it begins to run before everything else here.
  await box.kill()
  deployedToNobody = await installation.deploy('to-nobody', 'plain-server', { toolboxId: box.id })
}, 240_000)

afterAll(async () => {
  await box?.dispose()
  await installation?.stop()
}, 60_000)

const toolbox = () => installation.client.toolboxes.get.query({ id: box.id })

/** Waits as a script would, and answers the error that it gets. */
async function failureOf(server: DeployAnswer): Promise<ToolberthDeploymentFailed> {
  return waitForDeployment(installation.client, { serverId: server.serverId, timeoutMs: 120_000 }).then(
    () => {
      throw new Error('it went live')
    },
    (error: unknown) => {
      if (error instanceof ToolberthDeploymentFailed) return error
      throw error
    },
  )
}

describe('a package that does not work', () => {
  it.each<[what: string, fixture: string, code: ErrorCode, failure: object, log: string]>([
    ['does not exist', 'no-such-package', 'PACKAGE_NOT_FOUND', {}, 'no-such-package'],
    ['is no MCP server', 'not-mcp', 'NOT_AN_MCP_SERVER', {}, 'Compiled successfully'],
    ['exits at once', 'exits-at-once', 'SERVER_EXITED', { exitCode: 3 }, 'Cannot open the database'],
    [
      'needs a variable',
      'needs-variable',
      'SERVER_NEEDS_VARIABLE',
      { exitCode: 1, variable: 'API_TOKEN' },
      'API_TOKEN environment variable is required',
    ],
  ])(
    'F10: %s: says so with the next action, keeps its log and leaves nothing',
    async (_, fixture, code, failure, log) => {
      const server = await installation.deploy(`refused-${fixture}`, fixture)
      const error = await failureOf(server)
      expect(error.failure).toMatchObject({ code, ...failure })
      expect(error.action).toBe(ERROR_CATALOGUE[code].action)
      expect(error.message).toContain(ERROR_CATALOGUE[code].text)
      expect(error.logTail.map(({ text }) => text).join('\n')).toContain(log)

      await installation.ended(server.deploymentId, 30_000)
      const instances = await installation.rows<{ id: string }>(
        'SELECT id FROM instances WHERE server_id = $1 AND gone_at IS NOT NULL',
        [server.serverId],
      )
      expect(instances).toHaveLength(1)
      expect(
        await leftoversOf(
          installation.agentHome,
          instances.map(({ id }) => id),
        ),
      ).toEqual([])
      const { client } = installation
      expect(await client.servers.get.query({ id: server.serverId })).toMatchObject({
        state: 'failed',
        failure: { code },
        deployments: [{ state: 'failed', cleanedUp: true, failure: { code } }],
      })
      expect(await client.servers.logs.query({ id: server.serverId })).toMatchObject({ source: 'kept' })
      expect(await installation.remove(server)).toEqual([])
    },
  )
})

describe('a toolbox that is gone', () => {
  it('fails a deployment to it, naming address and port', { timeout: UNREACHABLE_MS }, async () => {
    const { failure, action } = await failureOf(deployedToNobody)
    expect(failure).toMatchObject({
      code: 'TOOLBOX_UNREACHABLE',
      detail: expect.stringContaining(box.address),
    })
    expect(action).toBe(ERROR_CATALOGUE.TOOLBOX_UNREACHABLE.action)
  })

  it('is shown as unreachable, and revived by its next heartbeat', { timeout: 180_000 }, async () => {
    const shown = await until(
      'the toolbox is unreachable',
      async () => {
        const found = await toolbox()
        return found.state === 'unreachable' && found
      },
      UNREACHABLE_MS,
    )
    expect(shown.failure).toMatchObject({
      code: 'TOOLBOX_UNREACHABLE',
      detail: expect.stringContaining(box.address),
    })
    box.start()
    await until('the toolbox is active again', async () => (await toolbox()).state === 'active')
    // What it was never told of, or told in vain, is confirmed gone now.
    expect(await installation.ended(deployedToNobody.deploymentId, 30_000)).toMatchObject({ state: 'failed' })
    const again = await installation.deploy('to-somebody', 'plain-server', { toolboxId: box.id })
    expect(await installation.ended(again.deploymentId, 60_000)).toMatchObject({ state: 'live' })
    await installation.remove(again)
    await installation.remove(deployedToNobody)
  })
})

/**
 * Milliseconds from accepted to live of a deployment to the local toolbox, the best of two, and of up to five where one has to be
 * under `enough`: the machine may have been busy with something else during the first.
 */
async function timeToLive(name: string, enough = Number.POSITIVE_INFINITY): Promise<number> {
  const [local] = await installation.rows<{ id: string }>("SELECT id FROM toolboxes WHERE kind = 'local'")
  const times: number[] = []
  for (const number of [1, 2, 3, 4, 5]) {
    if (number > 2 && Math.min(...times) < enough) break
    const more = { toolboxId: local?.id, limits: LIMITS }
    const server = await installation.deploy(`${name}-${number}`, 'plain-server', more)
    expect(await installation.ended(server.deploymentId, 60_000)).toMatchObject({ state: 'live' })
    const [row] = await installation.rows<{ ms: number }>(
      'SELECT (extract(epoch FROM finished_at - created_at) * 1000)::float8 AS ms FROM deployments WHERE id = $1',
      [server.deploymentId],
    )
    times.push(row?.ms ?? Number.POSITIVE_INFINITY)
    await installation.remove(server)
  }
  return Math.min(...times)
}

it('a toolbox that hangs delays no other', { timeout: 420_000 }, async () => {
  box.start()
  await until('the toolbox answers', () => agentAnswers(`https://${box.address}`))
  const alone = await timeToLive('alone')
  const thaw = box.freeze()
  const stuck = await Promise.all(
    Array.from({ length: STUCK }, (_, index) =>
      installation.deploy(`stuck-${index}`, 'plain-server', { toolboxId: box.id, limits: LIMITS }),
    ),
  )
  const beside = await timeToLive('beside', alone * NOT_SLOWER)
  const states = await installation.rows<{ state: string }>(
    'SELECT DISTINCT state FROM deployments WHERE id = ANY($1::uuid[]) AND finished_at IS NULL',
    [stuck.map(({ deploymentId }) => deploymentId)],
  )
  expect(states).toEqual([{ state: 'preparing' }])
  expect(beside / alone).toBeLessThan(NOT_SLOWER)
  // Given up while it hangs, none of them begins when it is back.
  for (const { serverId, name } of stuck)
    await installation.client.servers.delete.mutate({ id: serverId, confirmName: name })
  thaw()
  await until(
    'all of them are gone',
    async () => {
      const left = await installation.rows(
        'SELECT FROM mcp_servers WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL',
        [stuck.map(({ serverId }) => serverId)],
      )
      return left.length === 0
    },
    180_000,
  )
  await box.dispose()
})
