import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startLoad } from '#testing/load.ts'
import { FIXTURE_SCOPE } from '#testing/npm-registry.ts'
import { type Installation, startInstallation } from './installation.ts'
import { leftoversOf } from './leftovers.ts'
import { until } from './until.ts'

const ENDED_MS = 120_000

let installation: Installation
let mcp: Client
let server: { serverId: string; name: string }
let tool: string
let agent: { url: string; token: string }

beforeAll(async () => {
  installation = await startInstallation(['plain-server', 'exits-at-once', 'not-mcp'], {
    env: { DTMA_READY_TIMEOUT_SECONDS: '4' },
  })
  const deployed = await installation.deploy('rolled', 'plain-server')
  server = deployed
  await installation.ended(deployed.deploymentId, ENDED_MS)
  const made = await installation.client.agents.create.mutate({ name: 'caller' })
  agent = made
  await installation.client.connections.create.mutate({ agentId: made.id, serverId: server.serverId })
  mcp = new Client({ name: 'test', version: '1.0.0' })
  const requestInit = { headers: { authorization: `Bearer ${agent.token}` } }
  await mcp.connect(new StreamableHTTPClientTransport(new URL(agent.url), { requestInit }))
  tool = (await mcp.listTools()).tools[0]?.name ?? ''
}, 400_000)

afterAll(async () => {
  await mcp?.close()
  await installation?.stop()
}, 60_000)

/** What was drained by the test before is gone, so that each one sees its own instances only. */
beforeEach(endDraining, 60_000)

const get = () => installation.client.servers.get.query({ id: server.serverId })
const instancesLeft = () =>
  installation.rows<{ id: string; draining: boolean }>(
    `SELECT id, drain_until IS NOT NULL AS draining FROM instances WHERE server_id = $1 AND gone_at IS NULL ORDER BY created_at`,
    [server.serverId],
  )

async function endDraining(): Promise<void> {
  await installation.rows('UPDATE instances SET drain_until = now() WHERE drain_until IS NOT NULL')
  await until('the drained are gone', async () => (await instancesLeft()).every(({ draining }) => !draining))
}

/** More than the 50 calls a second that a rollout has to bear. */
const CALLS_PER_SECOND = 60

async function expectNoCallFails(work: () => Promise<void>): Promise<void> {
  const load = await startLoad(agent, CALLS_PER_SECOND)
  // And while the gateway comes to know of what was done.
  const { calls, failed } = await work()
    .then(() => sleep(1_500))
    .then(
      () => load.stop(),
      async (error: unknown) => {
        await load.stop()
        throw error
      },
    )
  expect(failed).toEqual([])
  expect(calls).toBeGreaterThan(CALLS_PER_SECOND)
}

const source = (name: string) => ({ type: 'npm' as const, package: `${FIXTURE_SCOPE}/${name}` })

describe('a rollout', () => {
  it('starts the new instance beside the old one, which drains; no call fails', {
    timeout: 240_000,
  }, async () => {
    const before = await get()
    await expectNoCallFails(async () => {
      const { deployment } = await installation.client.servers.update.mutate({
        id: server.serverId,
        env: { GREETING: { value: 'hello' }, API_TOKEN: { value: 'sk-4711', secret: true } },
      })
      expect(await installation.ended(deployment?.deploymentId ?? '', ENDED_MS)).toMatchObject({
        state: 'live',
      })
    })
    const after = await get()
    expect(after).toMatchObject({ state: 'running', failure: null, instance: { revisionNumber: 2 } })
    expect(after.instance?.id).not.toBe(before.instance?.id)
    expect(await instancesLeft()).toEqual([
      { id: before.instance?.id, draining: true },
      { id: after.instance?.id, draining: false },
    ])
    await expectNoCallFails(endDraining)
    expect(await leftoversOf(installation.agentHome, [before.instance?.id ?? ''])).toEqual([])
  })

  it.each(['exits-at-once', 'not-mcp', 'no-such-package'])(
    'F9: to %s is rolled back and says why; the old instance goes on serving and no call fails',
    { timeout: 240_000 },
    async (fixture) => {
      const before = await get()
      await expectNoCallFails(async () => {
        const { deployment } = await installation.client.servers.update.mutate({
          id: server.serverId,
          source: source(fixture),
          env: { API_TOKEN: { keep: true } },
        })
        const ending = await installation.ended(deployment?.deploymentId ?? '', ENDED_MS)
        expect(ending).toMatchObject({ state: 'rolled_back', failure: { code: expect.any(String) } })
      })
      const after = await get()
      expect(after).toMatchObject({
        state: 'running',
        failure: null,
        deployment: { state: 'rolled_back' },
        instance: { id: before.instance?.id, revisionNumber: before.instance?.revisionNumber },
      })
      expect(after.deployments[0]).toMatchObject({ state: 'rolled_back', cleanedUp: true })
      expect(await instancesLeft()).toEqual([{ id: before.instance?.id, draining: false }])
    },
  )

  it('back to an earlier revision brings back what ran, secrets included', { timeout: 240_000 }, async () => {
    const { deployment } = await installation.client.servers.update.mutate({ id: server.serverId, env: {} })
    expect(await installation.ended(deployment?.deploymentId ?? '', ENDED_MS)).toMatchObject({
      state: 'live',
    })
    await expectNoCallFails(async () => {
      const { deploymentId } = await installation.client.servers.rollback.mutate({
        id: server.serverId,
        number: 2,
      })
      expect(await installation.ended(deploymentId, ENDED_MS)).toMatchObject({ state: 'live' })
    })
    const { revision, instance } = await get()
    expect(instance?.revisionNumber).toBe(revision?.number)
    expect(revision?.env.map(({ name, value }) => [name, value])).toEqual([
      ['API_TOKEN', null],
      ['GREETING', 'hello'],
    ])
  })

  it('lets a call end that the old instance has begun', { timeout: 240_000 }, async () => {
    const slow = mcp.callTool({ name: tool, arguments: { message: 'slow', delayMs: 15_000 } })
    const { deploymentId } = await installation.client.servers.redeploy.mutate({ id: server.serverId })
    expect(await installation.ended(deploymentId, ENDED_MS)).toMatchObject({ state: 'live' })
    expect(await slow).toMatchObject({ content: [{ text: 'Echo: slow' }] })
    expect((await instancesLeft()).map(({ draining }) => draining)).toEqual([true, false])
  })

  it('of a server that stands still makes it run', { timeout: 240_000 }, async () => {
    const { client } = installation
    await client.servers.stop.mutate({ id: server.serverId })
    await until('it is stopped', async () => (await get()).state === 'stopped')
    const { deploymentId } = await client.servers.redeploy.mutate({ id: server.serverId })
    expect(await installation.ended(deploymentId, ENDED_MS)).toMatchObject({ state: 'live' })
    expect(await get()).toMatchObject({ state: 'running', desired: 'running' })
    // The gateway looks at what it may call every 400 ms.
    const answer = await until('it is called', () =>
      mcp.callTool({ name: tool, arguments: { message: 'again' } }),
    )
    expect(answer).toMatchObject({ content: [{ text: 'Echo: again' }] })
  })

  it('of a server that never went live tries it again', { timeout: 240_000 }, async () => {
    const { client } = installation
    const failed = await installation.deploy('corrected', 'exits-at-once')
    expect(await installation.ended(failed.deploymentId, ENDED_MS)).toMatchObject({ state: 'failed' })
    const { deploymentId } = await client.servers.redeploy.mutate({ id: failed.serverId })
    expect(await installation.ended(deploymentId, ENDED_MS)).toMatchObject({ state: 'failed' })
    const { deployment } = await client.servers.update.mutate({
      id: failed.serverId,
      source: source('plain-server'),
    })
    expect(await installation.ended(deployment?.deploymentId ?? '', ENDED_MS)).toMatchObject({
      state: 'live',
    })
    expect(await client.servers.get.query({ id: failed.serverId })).toMatchObject({
      state: 'running',
      failure: null,
    })
    expect(await installation.remove(failed)).toEqual([])
  })

  it('leaves nothing of any instance once the server is deleted', { timeout: 240_000 }, async () => {
    expect(await installation.remove(server)).toEqual([])
  })
})
