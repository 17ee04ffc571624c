import { beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { asSystem, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { createDeployment } = await import('#server/deployments/create.ts')
const { pruneRevisions } = await import('#server/deployments/prune.ts')
const { listRevisions } = await import('#server/deployments/revisions.ts')
const { rollbackServer } = await import('#server/deployments/rollback.ts')
const { updateServer } = await import('#server/deployments/update.ts')
const { env } = await import('#server/env.ts')
const { getServer } = await import('#server/mcp-servers/get.ts')
const { ctx } = await seedUser({ role: 'ADMIN' })
const toolbox = await seedToolbox({ memoryMb: 1_000_000 })

let made = 0
let serverId: string
beforeEach(async () => {
  const first = await createDeployment({
    ctx,
    input: {
      name: `pruned-${++made}`,
      toolboxId: toolbox.id,
      source: { type: 'npm', package: 'some-server' },
      transport: 'stdio',
      env: { API_TOKEN: { value: 'sk-4711', secret: true } },
    },
  })
  serverId = first.serverId
  await end(first.deploymentId, 'live')
})

async function end(deploymentId: string, state: 'live' | 'failed'): Promise<void> {
  await asSystem(async (db) => {
    const { revisionId } = await db.deployment.update({
      where: { id: deploymentId },
      data: {
        state,
        finishedAt: new Date(),
        ...(state === 'failed' && { failure: { code: 'SERVER_EXITED' } }),
      },
    })
    if (state === 'failed') return
    const of = { serverId, revisionId, toolboxId: toolbox.id, attempt: 1, fence: 1 }
    const { id } = await db.instance.create({ data: { ...of, observed: 'running', accepted: true } })
    await db.instance.updateMany({
      where: { serverId, id: { not: id } },
      data: { desired: 'absent', goneAt: new Date() },
    })
    await db.mcpServer.update({ where: { id: serverId }, data: { liveInstanceId: id, observed: 'running' } })
  })
}

async function update(how: 'live' | 'failed' | 'going on'): Promise<void> {
  const value = String(Math.random())
  const { deployment } = await updateServer({
    ctx,
    input: { id: serverId, env: { API_TOKEN: { value, secret: true } } },
  })
  if (how !== 'going on') await end(deployment?.deploymentId ?? '', how)
}
const kept = async () =>
  (await listRevisions({ ctx, input: { id: serverId } })).map(({ number }) => number).toReversed()
const prune = () => asSystem((db) => pruneRevisions(db, serverId))
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('revisions that are not kept', () => {
  it('are the old ones; of what serves, served before and goes on every one stays', {
    timeout: 120_000,
  }, async () => {
    await update('live')
    for (const _ of numbers(1, env.REVISIONS_KEPT + 3)) await update('failed')
    await update('going on')
    const newest = env.REVISIONS_KEPT + 6
    await prune()
    expect(await kept()).toEqual([1, 2, ...numbers(newest - env.REVISIONS_KEPT + 1, newest)])
    const secrets = await query<{ number: number }>(
      database.adminUrl,
      `SELECT r.number FROM revision_env e JOIN revisions r ON r.id = e.revision_id WHERE r.server_id = $1 ORDER BY r.number`,
      [serverId],
    )
    expect(secrets.map(({ number }) => number)).toEqual(await kept())
    // Nothing is lost of what happened.
    const { deployments } = await getServer({ ctx, input: { id: serverId } })
    expect(deployments.map(({ revisionNumber }) => revisionNumber)).toEqual(numbers(1, newest).toReversed())
    const refusal = await refusalOf(rollbackServer({ ctx, input: { id: serverId, number: 3 } }))
    expect(refusal).toMatchObject({
      code: 'NOT_FOUND',
      fields: { number: ['Revision 3 is not kept any more.'] },
    })
  })

  it('are none of which something is still on a toolbox', { timeout: 120_000 }, async () => {
    for (const _ of numbers(1, env.REVISIONS_KEPT + 2)) await update('live')
    await query(
      database.adminUrl,
      `UPDATE instances SET gone_at = NULL WHERE revision_id = (SELECT id FROM revisions WHERE server_id = $1 AND number = 2)`,
      [serverId],
    )
    await prune()
    expect(await kept()).toEqual([2, ...numbers(4, env.REVISIONS_KEPT + 3)])
  })
})
