import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ending, type Installation, startInstallation } from './installation.ts'
import { leftoversOf } from './leftovers.ts'
import { until } from './until.ts'

/** From the restart of what was killed to the end of the deployment, at most. */
const SETTLED_MS = 60_000
/** A stage of the probe may take 5 s. */
const SLOW_TOOLS = { TOOLS_DELAY_MS: { value: '2500' } }

let installation: Installation

beforeAll(async () => {
  installation = await startInstallation(['plain-server'])
}, 240_000)

afterAll(() => installation?.stop(), 60_000)

/** kill -9, and resolves when the supervisor has it running again. */
async function killAndAwait(name: string): Promise<void> {
  const pid = installation.toolberth.pids()[name]
  if (pid === undefined) throw new Error(`${name} does not run`)
  process.kill(pid, 'SIGKILL')
  await installation.toolberth.restarted(name, pid)
}

/** Live, or failed with a typed cause that the server shows too; and deleting it leaves nothing. */
async function expectWholeEnd(server: { serverId: string; name: string }, ending: Ending): Promise<void> {
  const { state, failure } = ending
  expect(['live', 'failed']).toContain(state)
  const detail = await until('the server is shown', () =>
    installation.client.servers.get.query({ id: server.serverId }),
  )
  expect({ failure: detail.failure?.code, tools: detail.tools.map(({ name }) => name) }).toEqual(
    state === 'live'
      ? { failure: undefined, tools: ['echo'] }
      : { failure: failure?.code ?? 'a typed cause', tools: [] },
  )
  expect(await installation.remove(server)).toEqual([])
}

describe.each(['worker', 'web', 'gateway', 'dtma', 'redis', 'postgres'])('kill -9 of %s', (name) => {
  it('while the package is installed', { timeout: 180_000 }, async () => {
    const held = installation.registry.holdNext()
    const server = await installation.deploy(`${name}-installing`, 'plain-server')
    await held.asked
    const back = killAndAwait(name)
    held.release()
    await back
    await expectWholeEnd(server, await installation.ended(server.deploymentId, SETTLED_MS))
  })
})

describe.each(['worker', 'dtma', 'redis'])('kill -9 of %s', (name) => {
  it('while the server is probed', { timeout: 180_000 }, async () => {
    const server = await installation.deploy(`${name}-probing`, 'plain-server', { env: SLOW_TOOLS })
    await until('it is probed', async () => {
      const sql = `SELECT FROM deployments WHERE id = $1 AND state = 'probing'`
      return (await installation.rows(sql, [server.deploymentId])).length > 0
    })
    await killAndAwait(name)
    await expectWholeEnd(server, await installation.ended(server.deploymentId, SETTLED_MS))
  })
})

it('leaves no server when all of it is stopped', async () => {
  await installation.stop()
  expect(await leftoversOf(installation.agentHome)).toEqual([])
})
