import type { CreateToolbox, CreateToolboxAnswer } from '#contracts/toolboxes.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { enrollmentView, makeEnrollment } from './enrollment.ts'
import { installScript } from './install-script.ts'
import { requirePublicUrl } from './public-url.ts'
import { fetchToolboxView } from './view.ts'

/** A toolbox on a machine that somebody else set up: it waits for the agent that the answer's commands install there. */
export async function createHost({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: Extract<CreateToolbox, { kind: 'host' }>
}): Promise<CreateToolboxAnswer> {
  requirePublicUrl()
  const script = await installScript()
  const { id, made } = await withActor(ctx.actor, async (db) => {
    const { id } = await db.toolbox.create({
      data: { name: input.name, kind: 'host' },
      select: { id: true },
    })
    const made = await makeEnrollment(db, id)
    await emit(db, {
      type: 'toolbox.created',
      subjectId: id,
      toolboxId: id,
      audience: ['admins'],
      data: { state: 'enrolling' },
    })
    await recordAudit(db, ctx, {
      action: 'toolbox.create',
      subjectType: 'toolbox',
      subjectId: id,
      detail: { name: input.name, kind: 'host' },
    })
    return { id, made }
  })
  return {
    toolbox: await fetchToolboxView(ctx.actor, id),
    enrollment: enrollmentView(id, made, script.sha256),
  }
}
