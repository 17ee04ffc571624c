import { recordAudit } from '#server/audit/record.ts'
import { systemCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { logger } from '#server/logger.ts'
import { observeServer } from '#server/mcp-servers/observe.ts'

/** A toolbox that is being deleted and has not answered for so long is taken for dead. */
const GIVE_UP_MS = 90_000

const ctx = systemCtx('toolbox-delete')

/**
 * Ends toolboxes that shall be deleted and on which nothing is left. What a dead one has is given up, and said to be. Those whose
 * machine is ours (droplets) are ended by whoever destroys the machine.
 */
export async function finishDeletedToolboxes(): Promise<void> {
  const rows = await withActor(ctx.actor, (db) =>
    db.toolbox.findMany({
      where: { state: 'deleting', deletedAt: null },
      select: { id: true, name: true, kind: true, lastHeartbeatAt: true, drainRequestedAt: true },
    }),
  )
  for (const row of rows) {
    const heard = Math.max(row.lastHeartbeatAt?.getTime() ?? 0, row.drainRequestedAt?.getTime() ?? 0)
    await withActor(ctx.actor, async (db) => {
      if (Date.now() - heard > GIVE_UP_MS) await giveUpInstances(db, row.id)
      if (row.kind !== 'droplet' && (await isEmpty(db, row.id))) await finishToolbox(db, row.id)
    })
  }
}

/** Takes for gone what a toolbox that does not answer may still have: nobody will ever confirm it. */
export async function giveUpInstances(db: Db, toolboxId: string): Promise<void> {
  const left = await db.instance.findMany({ where: { toolboxId, goneAt: null }, select: { serverId: true } })
  if (left.length === 0) return
  await db.instance.updateMany({
    where: { toolboxId, goneAt: null },
    data: { desired: 'absent', goneAt: new Date(), observed: 'absent' },
  })
  logger.warn({ toolboxId, instances: left.length }, 'instances of a dead toolbox given up')
  for (const serverId of new Set(left.map((instance) => instance.serverId))) await observeServer(db, serverId)
}

/** Whether no server, instance or deployment is on the toolbox any more. */
export async function isEmpty(db: Db, toolboxId: string): Promise<boolean> {
  const [{ left } = { left: 1 }] = await db.$queryRaw<{ left: number }[]>`
    SELECT (SELECT count(*) FROM mcp_servers WHERE toolbox_id = ${toolboxId}::uuid AND deleted_at IS NULL)::int
      + (SELECT count(*) FROM instances WHERE toolbox_id = ${toolboxId}::uuid AND gone_at IS NULL)::int
      + (SELECT count(*) FROM deployments WHERE toolbox_id = ${toolboxId}::uuid AND finished_at IS NULL)::int AS left`
  return left === 0
}

/** The end of a toolbox: its key is refused from now on, and its name is free. */
export async function finishToolbox(db: Db, id: string): Promise<void> {
  const { count } = await db.toolbox.updateMany({
    where: { id, state: 'deleting', deletedAt: null },
    data: { deletedAt: new Date(), certificate: null, url: null, failure: Prisma.DbNull },
  })
  if (count === 0) return
  await db.toolboxEnrollment.deleteMany({ where: { toolboxId: id } })
  await emit(db, {
    type: 'toolbox.updated',
    subjectId: id,
    toolboxId: id,
    audience: ['admins'],
    data: { state: 'deleted' },
  })
  await recordAudit(db, ctx, { action: 'toolbox.deleted', subjectType: 'toolbox', subjectId: id })
}
