import { beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { asSystem, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { advanceDeployment } = await import('#server/deployments/advance.ts')
const { cancelDeployment } = await import('#server/deployments/cancel.ts')
const { createDeployment } = await import('#server/deployments/create.ts')
const { redeployServer } = await import('#server/deployments/redeploy.ts')
const { deleteServer, restartServer, startServer, stopServer } = await import('#server/mcp-servers/want.ts')
const { ctx } = await seedUser({ role: 'ADMIN' })

let id: string
let deploymentId: string
/** A server that keeps data and serves, on a toolbox that has just become unreachable, and a redeploy of it. */
beforeEach(async () => {
  await query(database.adminUrl, 'TRUNCATE mcp_servers, toolboxes, events CASCADE')
  const toolbox = await seedToolbox()
  const first = await createDeployment({
    ctx,
    input: {
      name: 'keeps-data',
      toolboxId: toolbox.id,
      source: { type: 'npm', package: 'some-server' },
      transport: 'stdio',
      data: [{ mountPath: '/data' }],
    },
  })
  id = first.serverId
  await asSystem(async (db) => {
    const { revisionId } = await db.deployment.update({
      where: { id: first.deploymentId },
      data: { state: 'live', finishedAt: new Date() },
    })
    const of = { serverId: id, revisionId, toolboxId: toolbox.id, attempt: 1, fence: 1 }
    const live = await db.instance.create({ data: { ...of, observed: 'running', accepted: true } })
    await db.mcpServer.update({ where: { id }, data: { liveInstanceId: live.id, observed: 'running' } })
  })
  deploymentId = (await redeployServer({ ctx, input: { id } })).deploymentId
})

const advance = () => advanceDeployment({ deploymentId })
const one = async (sql: string) => (await query(database.adminUrl, sql, [id]))[0]
const deployment = () =>
  one(
    `SELECT state::text, phase, failure->>'code' AS code, finished_at IS NOT NULL AS ended FROM deployments
     WHERE server_id = $1 ORDER BY created_at DESC LIMIT 1`,
  )
const live = async () => (await one('SELECT desired::text FROM instances WHERE server_id = $1'))?.desired
const passed = (seconds: number) =>
  query(
    database.adminUrl,
    `UPDATE deployment_phases SET started_at = now() - make_interval(secs => $1) WHERE ended_at IS NULL`,
    [seconds],
  )
async function failed(): Promise<void> {
  await advance()
  await passed(46)
  await advance()
}

describe('a rollout that stopped what served, and failed', () => {
  it('first wants the old instance to stand still, and makes no new one before that', async () => {
    expect(await advance()).toEqual({ again: expect.any(Number) })
    expect(await deployment()).toMatchObject({ state: 'preparing', phase: 'Waiting for the toolbox' })
    expect(await live()).toBe('stopped')
    expect(await query(database.adminUrl, 'SELECT 1 FROM instances')).toHaveLength(1)
  })

  it('says why at once, goes on until what served is back, and lets nobody in between', async () => {
    await failed()
    const way = { phase: 'Bringing back revision 1', code: 'TOOLBOX_UNREACHABLE', ended: false }
    expect(await deployment()).toMatchObject(way)
    await advance()
    expect(await deployment()).toMatchObject(way)
    expect(await live()).toBe('running')
    const refused = async (asked: Promise<unknown>) => (await refusalOf(asked)).code
    expect(await refused(cancelDeployment({ ctx, input: { id: deploymentId } }))).toBe('CONFLICT')
    for (const verb of [stopServer, restartServer, redeployServer])
      expect(await refused(verb({ ctx, input: { id } }))).toBe('DEPLOYMENT_IN_PROGRESS')
    expect(await startServer({ ctx, input: { id } })).toMatchObject({ desired: 'running' })
  })

  it('F9: is never called rolled back when nothing serves; the old instance stays wanted', async () => {
    await failed()
    await passed(121)
    await advance()
    expect(await deployment()).toMatchObject({ state: 'failed', code: 'TOOLBOX_UNREACHABLE', ended: true })
    expect(await live()).toBe('running')
  })

  it('ends with its server when that is deleted meanwhile', async () => {
    await failed()
    await deleteServer({ ctx, input: { id, confirmName: 'keeps-data' } })
    await advance()
    expect(await deployment()).toMatchObject({ state: 'cancelled', ended: true })
    expect(await live()).toBe('absent')
  })
})
