import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import type { DeploymentState } from '#contracts/deployments.ts'
import type { Failure } from '#contracts/errors.ts'
import type { StatusEvent } from '#contracts/events.ts'
import { asSystem, seedApiKey, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { startTrpcServer } from '#testing/trpc-server.ts'
import {
  createToolberthClient,
  isToolberthError,
  ToolberthDeploymentFailed,
  ToolberthDeploymentTimedOut,
  waitForDeployment,
} from './index.ts'

await useSeededInstallation()
const { moveDeployment, setPhase } = await import('#server/deployments/transition.ts')

const admin = await seedUser({ role: 'ADMIN' })
await seedToolbox({ memoryMb: 100_000 })
const server = await startTrpcServer()
afterAll(() => server.close())
const client = createToolberthClient({ url: server.url, apiKey: await seedApiKey(admin.id) })

type Deployed = { serverId: string; deploymentId: string }
const deploy = () =>
  client.servers.deploy.mutate({
    name: `wait-${randomUUID().slice(0, 8)}`,
    source: { type: 'npm', package: 'some-server' },
    transport: 'stdio',
  })

/** Moves it as the worker does. */
function move(
  { serverId, deploymentId }: Deployed,
  to: DeploymentState,
  extra: Parameters<typeof moveDeployment>[3] = {},
) {
  return asSystem((db) => moveDeployment(db, { id: deploymentId, serverId }, to, extra))
}
const note = ({ serverId, deploymentId }: Deployed, phase: string) =>
  asSystem((db) => setPhase(db, { id: deploymentId, serverId, state: 'preparing', phase: null }, phase))

describe('waitForDeployment', () => {
  it('follows every step and answers with the live server', async () => {
    const deployed = await deploy()
    const events: StatusEvent[] = []
    const requestsBefore = server.requests.length
    const waiting = waitForDeployment(client, { ...deployed, onEvent: (event) => void events.push(event) })
    const asked = (path: string) => server.requests.slice(requestsBefore).filter((url) => url.includes(path))
    await expect.poll(() => asked('status.stream').length).toBe(1)
    await move(deployed, 'preparing')
    await note(deployed, 'Installing packages')
    await expect.poll(() => events.length).toBe(2)
    server.drop()
    await move(deployed, 'probing')
    await move(deployed, 'live')

    const live = await waiting
    expect(live.deployment).toMatchObject({ id: deployed.deploymentId, state: 'live' })
    expect(live.server.id).toBe(deployed.serverId)
    expect(events.map(({ data }) => data.phase ?? data.state)).toEqual([
      'preparing',
      'Installing packages',
      'probing',
      'live',
    ])
    expect(asked('servers.get')).toHaveLength(2)
  })

  it('answers at once when it has ended before', async () => {
    const deployed = await deploy()
    await move(deployed, 'preparing')
    await move(deployed, 'probing')
    await move(deployed, 'live')
    const { deployment } = await waitForDeployment(client, { serverId: deployed.serverId })
    expect(deployment.id).toBe(deployed.deploymentId)
  })

  it('throws the cause, the next action and the last log lines of one that failed', async () => {
    const deployed = await deploy()
    const waiting = waitForDeployment(client, deployed).catch((error: unknown) => error)
    const failure: Failure = {
      code: 'SERVER_NEEDS_VARIABLE',
      detail: null,
      variable: 'API_TOKEN',
      exitCode: 1,
    }
    const logTail = [
      { at: new Date().toISOString(), stream: 'stderr' as const, text: 'API_TOKEN is not set' },
    ]
    await move(deployed, 'preparing')
    await move(deployed, 'failed', { failure, logTail })

    const error = await waiting
    expect(error).toBeInstanceOf(ToolberthDeploymentFailed)
    expect(error).toMatchObject({ failure, logTail, action: expect.stringContaining('Add the variable') })
    expect((error as Error).message).toContain('API_TOKEN')
  })

  it('says so when it was cancelled', async () => {
    const deployed = await deploy()
    await move(deployed, 'cancelled')
    const error: unknown = await waitForDeployment(client, deployed).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'ToolberthDeploymentFailed', failure: null })
    expect((error as Error).message).toContain('cancelled')
  })

  it('says what serves when it was rolled back', async () => {
    const deployed = await deploy()
    const failure = { code: 'SERVER_EXITED' as const, detail: null, variable: null, exitCode: 1 }
    await move(deployed, 'preparing')
    await move(deployed, 'rolled_back', { failure })
    const error: unknown = await waitForDeployment(client, deployed).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'ToolberthDeploymentFailed', failure })
    expect((error as Error).message).toContain('what served before goes on serving')
  })

  it('stops waiting when the time is over or its signal aborts', async () => {
    const deployed = await deploy()
    const late: unknown = await waitForDeployment(client, {
      ...deployed,
      timeoutMs: 3_000,
    }).catch((error: unknown) => error)
    expect(late).toBeInstanceOf(ToolberthDeploymentTimedOut)
    expect((late as Error).message).toContain('was queued')

    const reason = new Error('enough')
    const stop = new AbortController()
    const waiting = waitForDeployment(client, { ...deployed, signal: stop.signal })
    setTimeout(() => stop.abort(reason), 200)
    await expect(waiting).rejects.toBe(reason)
    await expect.poll(() => server.open()).toBe(0)
  })

  it('refuses what is not there', async () => {
    const deployed = await deploy()
    const noServer: unknown = await waitForDeployment(client, { serverId: randomUUID() }).catch(
      (error: unknown) => error,
    )
    expect(isToolberthError(noServer, 'NOT_FOUND')).toBe(true)
    const other = waitForDeployment(client, { ...deployed, deploymentId: randomUUID() })
    await expect(other).rejects.toThrow('has no deployment')
  })
})
