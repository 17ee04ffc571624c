import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FIXTURE_SCOPE } from '#testing/npm-registry.ts'
import { type Installation, startInstallation } from './installation.ts'
import { startRemotePeer } from './remote-peer.ts'
import { until } from './until.ts'

/** A machine that does much else besides may take long. */
const ENDED_MS = 150_000

let installation: Installation
let server: { serverId: string; name: string }
let mcp: Client
let tool: string

beforeAll(async () => {
  installation = await startInstallation(['plain-server', 'exits-at-once'], {
    env: {
      DTMA_READY_TIMEOUT_SECONDS: '4',
      DTMA_ALLOW_PRIVATE_REMOTES: '127.0.0.0/8',
      DTMA_REMOTE_CHECK_SECONDS: '1',
    },
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

describe('a remote server', () => {
  it('is deployed, called, seen to be down and up again, and rolled back like any other', {
    timeout: 400_000,
  }, async () => {
    const { client } = installation
    const peer = await startRemotePeer('remote-token-4711')
    const source = (token: string) => ({
      type: 'remote' as const,
      url: peer.url,
      headers: { Authorization: `Bearer ${token}` },
    })
    const { serverId, deploymentId } = await client.servers.deploy.mutate({
      name: 'elsewhere',
      source: source(peer.token),
      transport: 'streamable-http',
    })
    expect(await installation.ended(deploymentId, ENDED_MS)).toMatchObject({ state: 'live' })
    const remote = () => client.servers.get.query({ id: serverId })
    expect(await remote()).toMatchObject({
      state: 'running',
      source: { type: 'remote', url: peer.url },
      revision: { headerNames: ['Authorization'] },
      instance: { resolvedVersion: '3.2.1' },
    })
    expect(JSON.stringify(await remote())).not.toContain(peer.token)

    const made = await client.agents.create.mutate({ name: 'remote caller' })
    await client.connections.create.mutate({ agentId: made.id, serverId })
    const caller = new Client({ name: 'test', version: '1.0.0' })
    const requestInit = { headers: { authorization: `Bearer ${made.token}` } }
    await caller.connect(new StreamableHTTPClientTransport(new URL(made.url), { requestInit }))
    const call = () => caller.callTool({ name: 'elsewhere__echo', arguments: { message: 'a' } })
    expect(await call()).toMatchObject({ content: [{ text: 'Elsewhere: a' }] })

    peer.instead = (request) => request.socket.destroy()
    await expect(call()).rejects.toThrow('elsewhere')
    const down = await until('it is degraded', async () => {
      const now = await remote()
      return now.state === 'degraded' ? now : undefined
    })
    expect(down.failure?.code).toMatch(/^(REMOTE_UNREACHABLE|UPSTREAM_UNAVAILABLE)$/)
    peer.instead = null
    await until('it runs again', async () => (await remote()).state === 'running', 60_000)
    expect(await until('it is called again', call)).toMatchObject({ content: [{ text: 'Elsewhere: a' }] })

    const { deployment } = await client.servers.update.mutate({ id: serverId, source: source('wrong-token') })
    expect(await installation.ended(deployment?.deploymentId ?? '', ENDED_MS)).toMatchObject({
      state: 'rolled_back',
      failure: { code: 'AUTH_REQUIRED' },
    })
    expect(await call()).toMatchObject({ content: [{ text: 'Elsewhere: a' }] })
    expect(await installation.remove({ serverId, name: 'elsewhere' })).toEqual([])
    await caller.close()
    await peer.stop()
  })
})
