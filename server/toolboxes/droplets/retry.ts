import type { Toolbox } from '#contracts/toolboxes.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { enqueue } from '#server/queues/enqueue.ts'
import { moveToolbox } from '#server/toolboxes/transition.ts'
import { fetchToolboxView } from '#server/toolboxes/view.ts'
import { dropletDeadline } from './deadline.ts'
import { moveDroplet } from './transition.ts'

/**
 * Makes the droplet of a failed toolbox anew, as it was asked for. Throws AppError: NOT_FOUND; CONFLICT while what is left of the
 * last attempt is still being destroyed, or when it has not failed.
 */
export async function retryDropletToolbox({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<Toolbox> {
  const toolboxId = input.id
  await withActor(ctx.actor, async (db) => {
    const row = await db.droplet.findUnique({ where: { toolboxId }, include: { toolbox: true } })
    if (!row) throw new AppError('NOT_FOUND', `no droplet of toolbox ${toolboxId}`)
    const conflict = (detail: string) => new AppError('CONFLICT', `droplet is ${row.step}`, { detail })
    if (row.toolbox.state !== 'failed') throw conflict('This toolbox has not failed.')
    if (row.step !== 'gone') throw conflict('Its droplet is still being destroyed.')
    const moved = await moveDroplet(db, toolboxId, 'creating', {
      attempt: row.attempt + 1,
      sentAt: null,
      sends: 0,
      dropletId: null,
      actionId: null,
      ipv4: null,
      firewallSentAt: null,
      firewallId: null,
      dueAt: new Date(),
      deadlineAt: dropletDeadline(),
    })
    if (!moved || !(await moveToolbox(db, toolboxId, 'provisioning'))) throw conflict('Somebody was first.')
    await db.toolbox.update({
      where: { id: toolboxId },
      data: {
        url: null,
        certificate: null,
        workerVerifiedAt: null,
        gatewayVerifiedAt: null,
        host: Prisma.DbNull,
      },
    })
    await enqueue(db, 'droplet', { toolboxId })
    await recordAudit(db, ctx, {
      action: 'toolbox.retry',
      subjectType: 'toolbox',
      subjectId: toolboxId,
      detail: { attempt: row.attempt + 1 },
    })
  })
  return fetchToolboxView(ctx.actor, toolboxId)
}
