import { withActor } from '#server/db/with-actor.ts'
import { enqueue } from '#server/queues/enqueue.ts'
import { finishToolbox, giveUpInstances, isEmpty } from '#server/toolboxes/finish-deleted.ts'
import { dropletActor } from './claim.ts'
import { moveDroplet } from './transition.ts'

/** A step that is so long overdue has lost its job. */
const LOST_AFTER = '15 seconds'

/**
 * Lets the droplet of a toolbox that is being deleted be destroyed, whoever makes it at the moment; brings back the jobs that were
 * lost; and ends toolboxes whose machine is gone.
 */
export async function sweepDroplets(): Promise<void> {
  await withActor(dropletActor, async (db) => {
    const leaving = await db.droplet.findMany({
      where: { toolbox: { state: 'deleting' }, step: { notIn: ['destroying', 'gone'] } },
      select: { toolboxId: true },
    })
    for (const { toolboxId } of leaving) {
      if (!(await moveDroplet(db, toolboxId, 'destroying'))) continue
      // Takes the claim away from whoever has it: what they write from now on is refused.
      await db.$executeRaw`UPDATE droplets SET fence = fence + 1, lease_expires_at = NULL, due_at = clock_timestamp()
        WHERE toolbox_id = ${toolboxId}::uuid`
      await db.toolboxEnrollment.deleteMany({ where: { toolboxId, usedAt: null } })
      await enqueue(db, 'droplet', { toolboxId })
    }
    const lost = await db.$queryRaw<{ id: string }[]>`
      UPDATE droplets SET due_at = clock_timestamp()
      WHERE step NOT IN ('ready', 'gone') AND due_at < clock_timestamp() - ${LOST_AFTER}::interval
        AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())
      RETURNING toolbox_id AS id`
    for (const { id } of lost) await enqueue(db, 'droplet', { toolboxId: id })
    const over = await db.droplet.findMany({
      where: { step: 'gone', toolbox: { state: 'deleting', deletedAt: null } },
      select: { toolboxId: true },
    })
    for (const { toolboxId } of over) {
      // With the machine went everything that ran on it.
      await giveUpInstances(db, toolboxId)
      if (await isEmpty(db, toolboxId)) await finishToolbox(db, toolboxId)
    }
  })
}
