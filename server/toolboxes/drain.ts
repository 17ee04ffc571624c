import type { Toolbox } from '#contracts/toolboxes.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { fetchToolbox } from './fetch.ts'
import { moveToolbox } from './transition.ts'
import { fetchToolboxView } from './view.ts'

type Verb = (call: { ctx: UserCtx; input: { id: string } }) => Promise<Toolbox>

/**
 * Lets a toolbox take no more servers. Those that it has stay as they are, can be started and stopped, and are moved by whoever
 * wants them elsewhere. Idempotent; holds also while the toolbox is away. Throws AppError NOT_FOUND, TOOLBOX_STATE_FORBIDS.
 */
export const drainToolbox: Verb = ({ ctx, input }) => setDraining(ctx, input.id, true)

/** Lets a drained toolbox take servers again. Idempotent. Throws AppError NOT_FOUND, TOOLBOX_STATE_FORBIDS. */
export const activateToolbox: Verb = ({ ctx, input }) => setDraining(ctx, input.id, false)

async function setDraining(ctx: UserCtx, id: string, draining: boolean): Promise<Toolbox> {
  await withActor(ctx.actor, async (db) => {
    const toolbox = await fetchToolbox(db, id, { lock: true })
    if ((toolbox.drainRequestedAt !== null) === draining) return
    await db.toolbox.update({ where: { id }, data: { drainRequestedAt: draining ? new Date() : null } })
    await show(db, toolbox, draining)
    await recordAudit(db, ctx, {
      action: draining ? 'toolbox.drain' : 'toolbox.activate',
      subjectType: 'toolbox',
      subjectId: id,
      detail: { name: toolbox.name },
    })
  })
  return fetchToolboxView(ctx.actor, id)
}

/** One that is away or not enrolled yet takes the state once it answers. */
async function show(db: Db, toolbox: { id: string; state: string }, draining: boolean): Promise<void> {
  if (toolbox.state === (draining ? 'active' : 'draining'))
    await moveToolbox(db, toolbox.id, draining ? 'draining' : 'active')
  else
    await emit(db, {
      type: 'toolbox.updated',
      subjectId: toolbox.id,
      toolboxId: toolbox.id,
      audience: ['admins'],
      data: { draining },
    })
}
