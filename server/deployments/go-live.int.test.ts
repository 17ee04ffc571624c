import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { startRpcPeer } from '#testing/probe-peers.ts'
import {
  asSystem,
  ECHO,
  seedServer,
  seedToolbox,
  seedUser,
  type TestServer,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'
import { startToolboxStandIn } from '#testing/toolbox-stand-in.ts'

const { database } = await useSeededInstallation()
const { controlCertificates } = await import('#server/toolboxes/identities.ts')
const { ClaimLost, claimServer, releaseClaim } = await import('#server/deployments/claim.ts')
const { goLive } = await import('#server/deployments/go-live.ts')
const { getServer } = await import('#server/mcp-servers/get.ts')
const standIn = await startToolboxStandIn((await controlCertificates()).worker)
afterAll(() => standIn.stop())
const admin = await seedUser({ role: 'ADMIN' })

let tools: unknown[]
let initialize: { status?: number; body?: unknown }
const peer = await startRpcPeer(({ id, method }) => {
  const answer = (result: object) => ({ body: { jsonrpc: '2.0', id, result } })
  if (method === 'tools/list') return answer({ tools })
  if (method !== 'initialize') return { status: 202, body: '' }
  const serverInfo = { name: 'hostile\0name', version: '1\ud800' }
  if (initialize.status !== undefined) return initialize
  return answer({ protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo })
})
afterAll(() => peer.stop())

/** A server with a live instance, and a second instance that a deployment is probing. */
let server: TestServer
let next: string
let deploymentId: string
beforeEach(async () => {
  tools = [ECHO]
  initialize = {}
  await query(database.adminUrl, 'TRUNCATE mcp_servers, toolboxes, events CASCADE')
  const toolbox = await seedToolbox({ url: standIn.url })
  await query(database.adminUrl, 'UPDATE toolboxes SET certificate = $1', [standIn.certificate])
  server = await seedServer(toolbox.id, { tools: [{ ...ECHO, name: 'old' }] })
  await asSystem(async (db) => {
    const of = { serverId: server.id, revisionId: server.revisionId }
    const instance = await db.instance.create({
      data: { ...of, toolboxId: toolbox.id, attempt: 2, fence: 2, accepted: true, startedAt: new Date() },
    })
    const deployment = await db.deployment.create({
      data: { ...of, instanceId: instance.id, sourceKey: 'npm:x', state: 'probing', deadlineAt: new Date() },
    })
    next = instance.id
    deploymentId = deployment.id
  })
  standIn.instances.set(next, peer.url)
})

const claim = async () => {
  const held = await claimServer(server.id)
  if (!held) throw new Error('not claimed')
  return held
}
async function live(held?: Awaited<ReturnType<typeof claim>>) {
  const deployment = await asSystem((db) =>
    db.deployment.findUniqueOrThrow({
      where: { id: deploymentId },
      include: { instance: { include: { toolbox: true } } },
    }),
  )
  return goLive(held ?? (await claim()), deployment)
}
const pointer = async () => {
  const [row] = await query<{ live: string }>(
    database.adminUrl,
    'SELECT live_instance_id AS live FROM mcp_servers',
  )
  return row?.live
}
const toolNames = async () =>
  (
    await query<{ name: string }>(database.adminUrl, 'SELECT name FROM mcp_server_tools ORDER BY position')
  ).map(({ name }) => name)

describe('a probe that passed', () => {
  it('moves the pointer, keeps the tools, lets the old instance drain and ends the deployment, all at once', async () => {
    tools = [ECHO, { ...ECHO, name: 'second' }]
    expect(await live()).toBe('live')
    expect(await pointer()).toBe(next)
    expect(await toolNames()).toEqual(['echo', 'second'])
    const instances = await query(
      database.adminUrl,
      `SELECT id, desired, round(extract(epoch FROM drain_until - d.finished_at) / 5)::int * 5 AS drains
       FROM instances, (SELECT finished_at FROM deployments) d ORDER BY attempt`,
    )
    expect(instances).toEqual([
      { id: server.instanceId, desired: 'running', drains: 60 },
      { id: next, desired: 'running', drains: null },
    ])
    const [deployment] = await query(database.adminUrl, 'SELECT state, finished_at FROM deployments')
    expect(deployment).toEqual({ state: 'live', finished_at: expect.any(Date) })
    expect(await live(await takeOver())).toBe('again')
    const shown = await query<{ phase: string }>(
      database.adminUrl,
      `SELECT phase FROM deployment_phases WHERE state = 'probing' ORDER BY id`,
    )
    expect(shown.map(({ phase }) => phase)).toEqual([
      'Connect to it',
      'Secure the connection',
      'Agree on a version of MCP',
      'Read what it offers',
      'Read its tools',
    ])
    expect(await query(database.adminUrl, 'SELECT era FROM mcp_servers')).toEqual([{ era: 'legacy' }])
  })

  it('lets an old instance that does not run go at once', async () => {
    await query(database.adminUrl, `UPDATE instances SET observed = 'failed' WHERE id = $1`, [
      server.instanceId,
    ])
    expect(await live()).toBe('live')
    const instances = await query(
      database.adminUrl,
      'SELECT desired, drain_until FROM instances ORDER BY attempt',
    )
    expect(instances).toEqual([
      { desired: 'absent', drain_until: null },
      { desired: 'running', drain_until: null },
    ])
  })

  it('of a server whose texts Postgres cannot keep keeps them without what it cannot', async () => {
    tools = [
      {
        ...ECHO,
        description: 'null \0 and half \udfff',
        inputSchema: { type: 'object', properties: { 'a\0b': { enum: ['\ud800', 1, null, true, ['\0']] } } },
        'x\0': { deep: [{ '\ud800': '\0' }] },
      },
      { name: 'bad\0name', inputSchema: { type: 'object' } },
    ]
    expect(await live()).toBe('live')
    const detail = await getServer({ ctx: admin.ctx, input: { id: server.id } })
    expect(detail.serverInfo).toEqual({
      name: 'hostile\ufffdname',
      version: '1\ufffd',
      protocolVersion: '2025-06-18',
    })
    expect(detail.tools).toEqual([
      {
        name: 'echo',
        description: 'null \ufffd and half \ufffd',
        inputSchema: {
          type: 'object',
          properties: { 'a\ufffdb': { enum: ['\ufffd', 1, null, true, ['\ufffd']] } },
        },
        'x\ufffd': { deep: [{ '\ufffd': '\ufffd' }] },
      },
    ])
  })

  it('changes nothing for a worker that has lost its claim meanwhile', async () => {
    const held = await claim()
    await releaseClaim(held)
    const successor = await claim()
    const before = await checksumTables(database.adminUrl)
    await expect(live(held)).rejects.toBeInstanceOf(ClaimLost)
    expect(await checksumTables(database.adminUrl)).toEqual(before)
    expect(await live(successor)).toBe('live')
  })
})

describe('a probe that did not pass', () => {
  it('for good leaves pointer and tools alone, and says why', async () => {
    initialize = { status: 401, body: 'null \0 and half \ud800' }
    // Beside the lease, how far the probe came is shown.
    const except = ['mcp_servers', 'deployments', 'deployment_phases', 'events']
    const before = await checksumTables(database.adminUrl, { except })
    expect(await live()).toMatchObject({ code: 'AUTH_REQUIRED' })
    expect(await checksumTables(database.adminUrl, { except })).toEqual(before)
    expect(await pointer()).toBe(server.instanceId)
    expect(await toolNames()).toEqual(['old'])
  })

  it('for now is made again for half a minute after the start, then counts', async () => {
    initialize = { status: 503, body: 'not yet' }
    expect(await live()).toBe('again')
    await query(database.adminUrl, `UPDATE instances SET started_at = now() - interval '31 seconds'`)
    expect(await live(await takeOver())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    expect(await pointer()).toBe(server.instanceId)
  })

  it('because the toolbox is another one than enrolled is final', async () => {
    const { createIdentity } = await import('#protocol/identity.ts')
    const { certificate } = await createIdentity('another')
    await query(database.adminUrl, 'UPDATE toolboxes SET certificate = $1', [certificate])
    expect(await live()).toMatchObject({ code: 'TLS_FAILED' })
    expect(await pointer()).toBe(server.instanceId)
  })
})

async function takeOver() {
  await query(database.adminUrl, 'UPDATE mcp_servers SET lease_expires_at = NULL')
  return claim()
}
