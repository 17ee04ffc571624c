import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { heartbeatOf, sendSigned, statusOf } from '#testing/agent-requests.ts'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import {
  asSystem,
  seedServer,
  seedToolbox,
  seedUser,
  type TestToolbox,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { activateToolbox, drainToolbox } = await import('./drain.ts')
const { deleteToolbox } = await import('./delete.ts')
const { createToolbox } = await import('./create.ts')
const { finishDeletedToolboxes } = await import('./finish-deleted.ts')
const { getToolbox, listToolboxes } = await import('./list.ts')
const { moveToolbox } = await import('./transition.ts')
const { createDeployment } = await import('#server/deployments/create.ts')
const { redeployServer } = await import('#server/deployments/redeploy.ts')
const { updateServer } = await import('#server/deployments/update.ts')
const { advanceDeployment } = await import('#server/deployments/advance.ts')
const { ctx } = await seedUser({ role: 'ADMIN' })
const PATH = '/api/dtma/heartbeat'

let box: TestToolbox
beforeEach(async () => {
  await query(database.adminUrl, 'TRUNCATE mcp_servers, toolboxes CASCADE')
  box = await seedHost('box')
})
/** Nothing listens at its address. */
async function seedHost(name: string): Promise<TestToolbox> {
  const made = await seedToolbox({ name })
  await query(database.adminUrl, `UPDATE toolboxes SET kind = 'host' WHERE id = $1`, [made.id])
  return made
}
const drain = () => drainToolbox({ ctx, input: { id: box.id } })
const remove = (change: { force?: boolean; confirmName?: string } = {}) =>
  deleteToolbox({ ctx, input: { id: box.id, confirmName: box.name, force: false, ...change } })
const stateOf = async (id = box.id) => {
  const [row] = await query<{ state: string }>(
    database.adminUrl,
    'SELECT state FROM toolboxes WHERE id = $1',
    [id],
  )
  return row?.state
}
const beat = (sequence = 1) => sendSigned(box, PATH, heartbeatOf(box, { sequence }))
const deploy = (toolboxId?: string) =>
  createDeployment({
    ctx,
    input: {
      name: `server-${randomUUID().slice(0, 8)}`,
      source: { type: 'npm', package: 'some-server' },
      transport: 'stdio',
      ...(toolboxId && { toolboxId }),
    },
  })
const serverRow = async (id: string) => {
  const [row] = await query(database.adminUrl, 'SELECT * FROM mcp_servers WHERE id = $1', [id])
  return row
}

it('one on another machine is refused, and leaves no row, while PUBLIC_URL is a loopback address', async () => {
  const before = await checksumTables(database.adminUrl)
  const refusal = await refusalOf(createToolbox({ ctx, input: { kind: 'host', name: 'office' } }))
  expect(refusal).toMatchObject({
    code: 'PUBLIC_URL_IS_LOOPBACK',
    detail: 'PUBLIC_URL is http://localhost:3000.',
  })
  expect(await checksumTables(database.adminUrl)).toEqual(before)
})

describe('a drained toolbox', () => {
  it('takes no new server, keeps those it has, and moves none', async () => {
    const server = await seedServer(box.id)
    expect(await drain()).toMatchObject({ state: 'draining', draining: true })
    expect(await refusalOf(deploy(box.id))).toMatchObject({
      code: 'TOOLBOX_NOT_ACTIVE',
      detail: 'box is draining.',
    })
    expect(await refusalOf(deploy())).toMatchObject({ code: 'NO_TOOLBOX_AVAILABLE' })
    expect(await serverRow(server.id)).toMatchObject({
      toolbox_id: box.id,
      observed: 'running',
      desired: 'running',
    })
    const { servers } = await getToolbox({ ctx, input: { id: box.id } })
    expect(servers).toMatchObject([{ id: server.id, movingTo: null }])
  })

  it('takes servers again when asked to; both can be asked twice', async () => {
    await drain()
    await drain()
    const activate = () => activateToolbox({ ctx, input: { id: box.id } })
    expect(await activate()).toMatchObject({ state: 'active', draining: false })
    expect(await activate()).toMatchObject({ state: 'active' })
    await deploy(box.id)
    const rows = await query(
      database.adminUrl,
      `SELECT action FROM audit_entries WHERE subject_id = $1 ORDER BY id`,
      [box.id],
    )
    expect(rows.map(({ action }) => action)).toEqual(['toolbox.drain', 'toolbox.activate'])
  })

  it('is still drained after it was away, and after enrolling anew', async () => {
    await drain()
    await asSystem((db) => moveToolbox(db, box.id, 'unreachable'))
    expect(await getToolbox({ ctx, input: { id: box.id } })).toMatchObject({
      state: 'unreachable',
      draining: true,
    })
    await beat()
    expect(await stateOf()).toBe('draining')
    const { recordDialBack } = await import('./verify.ts')
    await query(
      database.adminUrl,
      `UPDATE toolboxes SET state = 'enrolling', worker_verified_at = NULL, gateway_verified_at = NULL`,
    )
    for (const identity of ['worker', 'gateway'] as const)
      await recordDialBack({
        toolbox: { id: box.id, url: box.url, certificate: box.identity.certificate },
        identity,
        ok: true,
      })
    expect(await stateOf()).toBe('draining')
  })

  it('that was drained while away takes servers again after it comes back, if that was asked for meanwhile', async () => {
    await asSystem((db) => moveToolbox(db, box.id, 'unreachable'))
    await drain()
    await activateToolbox({ ctx, input: { id: box.id } })
    await beat()
    expect(await stateOf()).toBe('active')
  })
})

describe('F19: one failed poll', () => {
  it('condemns no toolbox, and a heartbeat always revives one that was', async () => {
    const { syncToolboxes } = await import('./sync.ts')
    await beat(1)
    await syncToolboxes()
    expect(await stateOf()).toBe('active')
    await query(database.adminUrl, `UPDATE toolboxes SET last_heartbeat_at = now() - interval '1 hour'`)
    await syncToolboxes()
    expect(await stateOf()).toBe('unreachable')
    await beat(2)
    expect(await getToolbox({ ctx, input: { id: box.id } })).toMatchObject({ state: 'active', failure: null })
  })
})

describe('deleting a toolbox', () => {
  it('is refused while servers are on it or on their way, naming them, and nothing changes', async () => {
    const here = await seedServer(box.id, { name: 'here' })
    const other = await seedHost('other')
    const coming = await seedServer(other.id, { name: 'coming' })
    await redeployServer({ ctx, input: { id: coming.id, toolboxId: box.id } })
    const before = await checksumTables(database.adminUrl)
    expect(await refusalOf(remove())).toEqual({
      code: 'TOOLBOX_NOT_EMPTY',
      detail: 'On box: here. Moving to it: coming.',
      fields: { force: ['On box: here. Moving to it: coming.'] },
    })
    expect(await refusalOf(remove({ force: true, confirmName: 'other' }))).toMatchObject({
      code: 'BAD_REQUEST',
    })
    expect(await checksumTables(database.adminUrl)).toEqual(before)
    expect(await serverRow(here.id)).toMatchObject({ desired: 'running' })
  })

  it('that is empty ends at once; its key is refused, and it is told that it is gone', async () => {
    expect(await remove()).toMatchObject({ state: 'deleting' })
    expect((await beat()).status).toBe(401)
    expect((await listToolboxes({ ctx })).items).toHaveLength(1)
    await finishDeletedToolboxes()
    expect((await listToolboxes({ ctx })).items).toEqual([])
    expect(await refusalOf(getToolbox({ ctx, input: { id: box.id } }))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refusalOf(remove())).toMatchObject({ code: 'NOT_FOUND' })
    expect(await beat(2)).toMatchObject({ status: 410, body: { error: { code: 'TOOLBOX_GONE' } } })
    const [row] = await query(database.adminUrl, 'SELECT certificate, url FROM toolboxes WHERE id = $1', [
      box.id,
    ])
    expect(row).toEqual({ certificate: null, url: null })
    // The name is free.
    await seedHost('box')
  })

  it('by force deletes its servers and waits until its agent has confirmed that', async () => {
    const server = await seedServer(box.id)
    await remove({ force: true })
    expect(await serverRow(server.id)).toMatchObject({ desired: 'deleted', deleted_at: null })
    await finishDeletedToolboxes()
    expect(await stateOf()).toBe('deleting')
    const { recordInstanceStatuses } = await import('#server/instances/record-statuses.ts')
    await asSystem((db) =>
      recordInstanceStatuses(db, box.id, [
        statusOf(server.instanceId, { desired: 'absent', state: 'absent' }),
      ]),
    )
    await finishDeletedToolboxes()
    expect(await serverRow(server.id)).toMatchObject({ deleted_at: expect.any(Date) })
    expect((await listToolboxes({ ctx })).items).toEqual([])
  })

  it('by force does not wait for one that is dead', async () => {
    const server = await seedServer(box.id)
    await asSystem((db) => moveToolbox(db, box.id, 'unreachable'))
    await remove({ force: true })
    expect(await serverRow(server.id)).toMatchObject({ deleted_at: expect.any(Date) })
    await finishDeletedToolboxes()
    expect((await listToolboxes({ ctx })).items).toEqual([])
    const [audit] = await query(
      database.adminUrl,
      `SELECT detail FROM audit_entries WHERE action = 'toolbox.delete' AND subject_id = $1`,
      [box.id],
    )
    expect(audit).toMatchObject({ detail: { force: true, answered: false, servers: [server.name] } })
  })

  it('gives up on one that dies meanwhile', async () => {
    const server = await seedServer(box.id)
    await remove({ force: true })
    await query(
      database.adminUrl,
      `UPDATE toolboxes SET drain_requested_at = now() - interval '10 min', last_heartbeat_at = now() - interval '10 min'`,
    )
    await finishDeletedToolboxes()
    expect(await serverRow(server.id)).toMatchObject({ deleted_at: expect.any(Date) })
    expect((await listToolboxes({ ctx })).items).toEqual([])
  })

  it('by force cancels what was moving to it, and that serves on where it is', async () => {
    const other = await seedHost('other')
    const server = await seedServer(other.id)
    const { deploymentId } = await redeployServer({ ctx, input: { id: server.id, toolboxId: box.id } })
    await remove({ force: true })
    expect(await advanceDeployment({ deploymentId })).toBe('done')
    const [deployment] = await query(database.adminUrl, 'SELECT state FROM deployments WHERE id = $1', [
      deploymentId,
    ])
    expect(deployment).toEqual({ state: 'cancelled' })
    expect(await serverRow(server.id)).toMatchObject({
      toolbox_id: other.id,
      desired: 'running',
      live_instance_id: server.instanceId,
    })
    await finishDeletedToolboxes()
    expect((await listToolboxes({ ctx })).items).toMatchObject([{ name: 'other' }])
  })

  it('of the local one is refused', async () => {
    const local = await seedToolbox()
    const input = { id: local.id, confirmName: local.name, force: true }
    expect(await refusalOf(deleteToolbox({ ctx, input }))).toMatchObject({ code: 'TOOLBOX_IS_LOCAL' })
  })

  it('by two admins at once happens once', async () => {
    await seedServer(box.id)
    await Promise.all([remove({ force: true }), remove({ force: true })])
    const events = await query(
      database.adminUrl,
      `SELECT FROM events WHERE toolbox_id = $1 AND data->>'state' = 'deleting'`,
      [box.id],
    )
    expect(events).toHaveLength(1)
  })
})

describe('moving a server', () => {
  it('counts on the toolbox that it goes to, shows on the one that it leaves, and is refused where there is no room', async () => {
    const target = await seedHost('target')
    const server = await seedServer(box.id)
    await redeployServer({ ctx, input: { id: server.id, toolboxId: target.id } })
    const { servers } = await getToolbox({ ctx, input: { id: box.id } })
    expect(servers).toMatchObject([{ id: server.id, movingTo: { id: target.id, name: 'target' } }])
    expect(await getToolbox({ ctx, input: { id: target.id } })).toMatchObject({
      memoryCommittedMb: 128,
      servers: [],
    })
    const tiny = await seedToolbox({ name: 'tiny', memoryMb: 64 })
    const second = await seedServer(box.id)
    expect(
      await refusalOf(redeployServer({ ctx, input: { id: second.id, toolboxId: tiny.id } })),
    ).toMatchObject({
      code: 'TOOLBOX_FULL',
    })
    expect(
      await refusalOf(redeployServer({ ctx, input: { id: second.id, toolboxId: randomUUID() } })),
    ).toMatchObject({ code: 'TOOLBOX_NOT_FOUND' })
  })

  it('that keeps data is refused, for its data would stay behind', async () => {
    const target = await seedHost('target')
    const server = await seedServer(box.id)
    await query(
      database.adminUrl,
      `UPDATE revisions SET spec = spec || '{"data": [{"mountPath": "/data"}]}' WHERE id = $1`,
      [server.revisionId],
    )
    expect(
      await refusalOf(redeployServer({ ctx, input: { id: server.id, toolboxId: target.id } })),
    ).toMatchObject({
      code: 'DATA_CANNOT_MOVE',
      detail: 'It keeps /data.',
    })
  })

  it('goes with an update as well, also with one that changes nothing else', async () => {
    const target = await seedHost('target')
    const server = await seedServer(box.id)
    const answer = await updateServer({ ctx, input: { id: server.id, toolboxId: target.id } })
    expect(answer).toMatchObject({ revisionNumber: 1, deployment: { status: 'queued' } })
    const [row] = await query(database.adminUrl, 'SELECT toolbox_id FROM deployments WHERE id = $1', [
      answer.deployment?.deploymentId,
    ])
    expect(row).toEqual({ toolbox_id: target.id })
    expect(await updateServer({ ctx, input: { id: server.id, toolboxId: box.id } })).toMatchObject({
      deployment: null,
    })
  })
})
