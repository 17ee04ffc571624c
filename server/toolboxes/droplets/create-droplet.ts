import type { CreateDropletToolbox } from '#contracts/droplets.ts'
import type { CreateToolboxAnswer } from '#contracts/toolboxes.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { enqueue } from '#server/queues/enqueue.ts'
import { installScript } from '#server/toolboxes/install-script.ts'
import { requirePublicUrl } from '#server/toolboxes/public-url.ts'
import { fetchToolboxView } from '#server/toolboxes/view.ts'
import { dropletDeadline } from './deadline.ts'
import { checkOptions } from './options.ts'

/**
 * A toolbox on a droplet that has yet to be made: its row, and the job that makes it. Asks the account first whether it has such a
 * size there, so that a wrong token or a wrong choice leaves nothing behind. Throws AppError: CLOUD_NOT_CONFIGURED, CLOUD_…,
 * BAD_REQUEST (which names the field), PUBLIC_URL_…, AGENT_NOT_PACKED.
 */
export async function createDropletToolbox({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: CreateDropletToolbox
}): Promise<CreateToolboxAnswer> {
  requirePublicUrl()
  await installScript()
  const priceMonthly = await checkOptions(input)
  const { name, region, size, image } = input
  const { id } = await withActor(ctx.actor, async (db) => {
    const { id } = await db.toolbox.create({
      data: { name, kind: 'droplet', state: 'provisioning' },
      select: { id: true },
    })
    const now = new Date().toISOString()
    await db.droplet.create({
      data: {
        toolboxId: id,
        region,
        size,
        image,
        priceMonthly,
        deadlineAt: dropletDeadline(),
        history: [{ step: 'creating', startedAt: now, endedAt: null }],
      },
    })
    await enqueue(db, 'droplet', { toolboxId: id })
    await emit(db, {
      type: 'toolbox.created',
      subjectId: id,
      toolboxId: id,
      audience: ['admins'],
      data: { state: 'provisioning' },
    })
    await recordAudit(db, ctx, {
      action: 'toolbox.create',
      subjectType: 'toolbox',
      subjectId: id,
      detail: { name, kind: 'droplet', region, size, image },
    })
    return { id }
  })
  return { toolbox: await fetchToolboxView(ctx.actor, id), enrollment: null }
}
