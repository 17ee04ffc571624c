import { json } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
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
import { startToolboxStandIn } from '#testing/toolbox-stand-in.ts'

const { database } = await useSeededInstallation()
const { controlCertificates } = await import('#server/toolboxes/identities.ts')
const { claimServer, releaseClaim } = await import('#server/deployments/claim.ts')
const { goLive } = await import('#server/deployments/go-live.ts')
const { redeployServer } = await import('#server/deployments/redeploy.ts')
const { rollbackServer } = await import('#server/deployments/rollback.ts')
const { updateServer } = await import('#server/deployments/update.ts')
const { startInstance } = await import('#server/deployments/start-instance.ts')
const { DtmaError } = await import('#server/dtma/errors.ts')
const { convergeInstance } = await import('#server/instances/converge.ts')
const { getAssignment } = await import('#server/toolboxes/assignment.ts')
const { ctx } = await seedUser({ role: 'ADMIN' })

const standIn = await startToolboxStandIn((await controlCertificates()).worker)
const peer = await startRpcPeer(({ id, method }) => {
  if (method !== 'initialize' && method !== 'tools/list') return { status: 202, body: '' }
  const serverInfo = { name: 'stand-in', version: '1' }
  const started = { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo }
  return { body: { jsonrpc: '2.0', id, result: method === 'tools/list' ? { tools: [ECHO] } : started } }
})
afterAll(async () => {
  await peer.stop()
  await standIn.stop()
})
const toolbox = await seedToolbox({ url: standIn.url, certificate: standIn.certificate, memoryMb: 1_000_000 })
await query(database.adminUrl, `UPDATE toolboxes SET driver = 'docker'`)

const REPOSITORY = 'registry.example.test:5000/team/server'
const IMAGE = `${REPOSITORY}:1`
const digest = (digit: string) => `sha256:${digit.repeat(64)}`

/** A server that runs this image, with its first instance as it was made before anything was pinned. */
async function serverOf(image: string): Promise<TestServer> {
  const server = await seedServer(toolbox.id)
  await query(
    database.adminUrl,
    `UPDATE revisions SET spec = jsonb_set(spec, '{source}', $2) WHERE id = $1`,
    [server.revisionId, JSON.stringify({ type: 'image', image })],
  )
  return server
}

/** The one deployment that goes on gets its instance, as the worker would make it. */
async function start(server: TestServer): Promise<string> {
  const deployment = await asSystem((db) =>
    db.deployment.findFirstOrThrow({ where: { serverId: server.id, finishedAt: null } }),
  )
  const claim = await claimServer(server.id)
  if (!claim) throw new Error('not claimed')
  await startInstance(claim, deployment)
  await releaseClaim(claim)
  const { instanceId } = await asSystem((db) =>
    db.deployment.findUniqueOrThrow({ where: { id: deployment.id } }),
  )
  return instanceId ?? ''
}

/** The agent says what it runs, the probe passes, and the deployment is live. */
async function end(server: TestServer, instanceId: string, resolvedVersion: string): Promise<void> {
  standIn.instances.set(instanceId, peer.url)
  const deployment = await asSystem(async (db) => {
    await db.instance.update({ where: { id: instanceId }, data: { resolvedVersion, startedAt: new Date() } })
    await db.deployment.updateMany({ where: { instanceId }, data: { state: 'probing' } })
    return db.deployment.findFirstOrThrow({
      where: { instanceId },
      include: { instance: { include: { toolbox: true } } },
    })
  })
  const claim = await claimServer(server.id)
  if (!claim) throw new Error('not claimed')
  expect(await goLive(claim, deployment)).toBe('live')
  await releaseClaim(claim)
  await query(database.adminUrl, 'UPDATE deployments SET cleaned_up_at = now() WHERE id = $1', [
    deployment.id,
  ])
}

/** The image that the agent is told to run, and is told again when it asks. */
async function imageOf(instanceId: string): Promise<string> {
  let sent: unknown
  standIn.put = (request, response) =>
    void json(request).then((body) => {
      sent = body
      response.writeHead(503).end()
    })
  await expect(convergeInstance(instanceId)).rejects.toBeInstanceOf(DtmaError)
  const { spec } = await getAssignment({ toolboxId: toolbox.id, instanceId })
  expect(sent).toMatchObject({ spec: { source: spec.source } })
  return spec.source.type === 'image' ? spec.source.image : ''
}

async function redeployed(server: TestServer, resolvedVersion: string): Promise<string> {
  await redeployServer({ ctx, input: { id: server.id } })
  const instanceId = await start(server)
  await end(server, instanceId, resolvedVersion)
  return instanceId
}

describe('the image of a revision', () => {
  it('is the one that it first went live with, for redeploy and rollback, whatever its tag is moved to', async () => {
    const server = await serverOf(IMAGE)
    const first = await redeployed(server, `${REPOSITORY}@${digest('a')}`)
    const again = await redeployed(server, `${REPOSITORY}@${digest('b')}`)
    expect(await imageOf(again)).toBe(`${REPOSITORY}@${digest('a')}`)

    await updateServer({ ctx, input: { id: server.id, env: { LEVEL: { value: 'debug' } } } })
    const updated = await start(server)
    expect(await imageOf(updated)).toBe(IMAGE)
    await end(server, updated, `${REPOSITORY}@${digest('c')}`)
    expect(await imageOf(await redeployed(server, 'whatever'))).toBe(`${REPOSITORY}@${digest('c')}`)

    const source = { type: 'image' as const, image: IMAGE }
    expect((await updateServer({ ctx, input: { id: server.id, description: 'x' } })).deployment).toBeNull()
    expect((await updateServer({ ctx, input: { id: server.id, source } })).revisionNumber).toBe(3)
    const given = await start(server)
    expect(await imageOf(given)).toBe(IMAGE)
    await end(server, given, `${REPOSITORY}@${digest('e')}`)

    await rollbackServer({ ctx, input: { id: server.id, number: 1 } })
    expect(await imageOf(await start(server))).toBe(`${REPOSITORY}@${digest('a')}`)
    // Agents refuse another spec under an id that they know.
    expect([await imageOf(server.instanceId), await imageOf(first), await imageOf(updated)]).toEqual([
      IMAGE,
      IMAGE,
      IMAGE,
    ])
  })

  it.each([
    ['an image from no registry', IMAGE, digest('a')],
    ['another repository', IMAGE, `registry.example.test:5000/other/server@${digest('a')}`],
    ['no digest', IMAGE, `${REPOSITORY}@sha256:abc`],
    ['what names its digest itself', `${IMAGE}@${digest('d')}`, `${REPOSITORY}@${digest('a')}`],
  ])('stays as it was asked for when the agent tells of %s', async (_, image, resolvedVersion) => {
    const server = await serverOf(image)
    await redeployed(server, resolvedVersion)
    expect(await imageOf(await redeployed(server, resolvedVersion))).toBe(image)
  })
})
