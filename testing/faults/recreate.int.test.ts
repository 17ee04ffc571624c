import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FIXTURE_SCOPE } from '#testing/npm-registry.ts'
import { type Installation, startInstallation } from './installation.ts'
import { until } from './until.ts'

/** A machine that does much else besides may take long. */
const ENDED_MS = 150_000

let installation: Installation
let server: { serverId: string; name: string }
let mcp: Client
let tool: string

beforeAll(async () => {
  installation = await startInstallation(['plain-server', 'exits-at-once'], {
    env: { DTMA_READY_TIMEOUT_SECONDS: '4' },
  })
  const deployed = await installation.deploy('keeps-data', 'plain-server', {
    data: [{ mountPath: '/data' }],
    env: { NOTES_FILE: { value: '/data/notes.txt' } },
    drainSeconds: 3,
  })
  server = deployed
  await installation.ended(deployed.deploymentId, ENDED_MS)
  const agent = await installation.client.agents.create.mutate({ name: 'caller' })
  await installation.client.connections.create.mutate({ agentId: agent.id, serverId: server.serverId })
  mcp = new Client({ name: 'test', version: '1.0.0' })
  const requestInit = { headers: { authorization: `Bearer ${agent.token}` } }
  await mcp.connect(new StreamableHTTPClientTransport(new URL(agent.url), { requestInit }))
  tool = (await mcp.listTools()).tools[0]?.name ?? ''
}, 400_000)

afterAll(async () => {
  await mcp?.close()
  await installation?.stop()
}, 60_000)

/** Has the server write it down, and answers all that it was ever told; the gateway may need a moment to follow. */
const note = (message: string) =>
  until('the server answers', async () => {
    const { content, isError } = await mcp.callTool({ name: tool, arguments: { message } })
    return isError ? undefined : (content as { text: string }[])[0]?.text
  })

const get = () => installation.client.servers.get.query({ id: server.serverId })
const phasesOf = async (deploymentId: string) => {
  const { deployments } = await get()
  return deployments.find(({ id }) => id === deploymentId)?.phases.map(({ phase }) => phase) ?? []
}
const left = async () =>
  (
    await installation.rows<{ id: string }>(
      'SELECT id FROM instances WHERE server_id = $1 AND gone_at IS NULL',
      [server.serverId],
    )
  ).map(({ id }) => id)

describe('a rollout of a server with declared data', () => {
  it('stops the old instance before the new one starts, and leaves one', { timeout: 300_000 }, async () => {
    expect(await note('one')).toBe('one;')
    const before = await get()
    expect(before.revision).toMatchObject({
      rollout: 'recreate',
      drainSeconds: 3,
      data: [{ mountPath: '/data' }],
    })
    const { deployment } = await installation.client.servers.update.mutate({
      id: server.serverId,
      env: { GREETING: { value: 'hello' }, NOTES_FILE: { value: '/data/notes.txt' } },
    })
    const { deploymentId = '' } = deployment ?? {}
    expect(await installation.ended(deploymentId, ENDED_MS)).toMatchObject({ state: 'live' })
    expect((await phasesOf(deploymentId)).slice(0, 2)).toEqual([null, 'Stopping the instance that serves'])
    const after = await get()
    expect(after).toMatchObject({ state: 'running', instance: { revisionNumber: 2 } })
    expect(after.instance?.id).not.toBe(before.instance?.id)
    await until('the old one is gone', async () => (await left()).length === 1)
    expect(await left()).toEqual([after.instance?.id])
    expect(await note('two')).toBe('one;two;')
  })

  it('that fails brings back what served, and only then says that it was rolled back', {
    timeout: 300_000,
  }, async () => {
    const before = await get()
    const { deployment } = await installation.client.servers.update.mutate({
      id: server.serverId,
      source: { type: 'npm', package: `${FIXTURE_SCOPE}/exits-at-once` },
    })
    const { deploymentId = '' } = deployment ?? {}
    const ending = await installation.ended(deploymentId, ENDED_MS)
    expect(ending).toMatchObject({ state: 'rolled_back', failure: { code: 'SERVER_EXITED' } })
    expect(await phasesOf(deploymentId)).toContain('Bringing back revision 2')
    expect(await get()).toMatchObject({
      state: 'running',
      failure: null,
      instance: { id: before.instance?.id, revisionNumber: 2, state: 'running' },
    })
    expect(await left()).toEqual([before.instance?.id])
    expect(await note('three')).toBe('one;two;three;')
  })

  it('that is cancelled brings back what served too', { timeout: 300_000 }, async () => {
    const { deploymentId } = await installation.client.servers.redeploy.mutate({ id: server.serverId })
    await until('it has begun', async () => (await phasesOf(deploymentId)).length > 1)
    await installation.client.servers.cancel.mutate({ id: deploymentId })
    expect(await installation.ended(deploymentId, ENDED_MS)).toMatchObject({ state: 'cancelled' })
    expect(await get()).toMatchObject({ state: 'running', instance: { revisionNumber: 2 } })
  })

  it('of a server that stands still leaves it so when it fails', { timeout: 300_000 }, async () => {
    const { client } = installation
    await client.servers.stop.mutate({ id: server.serverId })
    await until('it is stopped', async () => (await get()).state === 'stopped')
    const { deployment } = await client.servers.update.mutate({
      id: server.serverId,
      source: { type: 'npm', package: `${FIXTURE_SCOPE}/exits-at-once` },
    })
    expect(await installation.ended(deployment?.deploymentId ?? '', ENDED_MS)).toMatchObject({
      state: 'failed',
    })
    expect(await get()).toMatchObject({ state: 'stopped', desired: 'stopped' })
    await client.servers.start.mutate({ id: server.serverId })
    await until('it runs', async () => (await get()).state === 'running')
    expect((await get()).instance?.revisionNumber).toBe(2)
    expect(await installation.remove(server)).toEqual([])
  })
})
