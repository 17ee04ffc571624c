import { Failure } from '#contracts/errors.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { toFailure } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { observeServersOn } from './sync.ts'
import { moveToolbox } from './transition.ts'

/** Notes at a toolbox that its agent speaks no protocol of ours, once: what it says of itself is not believed, so it is unreachable. */
export async function recordRefusal(toolboxId: string, message: string): Promise<void> {
  const failure = toFailure('TOOLBOX_PROTOCOL_UNSUPPORTED', { detail: message })
  await withActor(systemCtx('heartbeat').actor, async (db) => {
    const row = await db.toolbox.findUnique({
      where: { id: toolboxId },
      select: { state: true, failure: true },
    })
    if (!row || Failure.safeParse(row.failure).data?.detail === message) return
    if (row.state === 'active' || row.state === 'draining') {
      if (await moveToolbox(db, toolboxId, 'unreachable', failure)) await observeServersOn(db, toolboxId)
      return
    }
    await db.toolbox.updateMany({ where: { id: toolboxId, state: row.state }, data: { failure } })
    await emit(db, {
      type: 'toolbox.updated',
      subjectId: toolboxId,
      toolboxId,
      audience: ['admins'],
      data: { state: row.state },
    })
  })
}
