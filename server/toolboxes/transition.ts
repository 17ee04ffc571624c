import type { Failure } from '#contracts/errors.ts'
import type { ToolboxState } from '#contracts/toolboxes.ts'
import { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'

/** Legal moves. A heartbeat always revives: `unreachable` leads back to `active`, or to `draining` where that was asked for. */
export const TOOLBOX_MOVES: Readonly<Record<ToolboxState, readonly ToolboxState[]>> = {
  provisioning: ['enrolling', 'failed', 'deleting'],
  enrolling: ['active', 'draining', 'failed', 'deleting'],
  active: ['unreachable', 'draining', 'enrolling', 'deleting'],
  unreachable: ['active', 'draining', 'enrolling', 'deleting'],
  draining: ['active', 'unreachable', 'enrolling', 'deleting'],
  // `provisioning`: a droplet is made anew.
  failed: ['provisioning', 'enrolling', 'deleting'],
  deleting: [],
}

/** Moves a toolbox by a conditional update. False: it was in no state that leads there, so somebody else was first. */
export async function moveToolbox(
  db: Db,
  id: string,
  to: ToolboxState,
  failure: Failure | null = null,
): Promise<boolean> {
  const from = (Object.keys(TOOLBOX_MOVES) as ToolboxState[]).filter((state) =>
    TOOLBOX_MOVES[state].includes(to),
  )
  const { count } = await db.toolbox.updateMany({
    where: { id, state: { in: from } },
    data: { state: to, failure: failure ?? Prisma.DbNull },
  })
  if (count === 0) return false
  await emit(db, {
    type: 'toolbox.updated',
    subjectId: id,
    toolboxId: id,
    audience: ['admins'],
    data: { state: to },
  })
  return true
}

/** Moves a toolbox that answers to `active`, or to `draining` where that was asked for. */
export async function reviveToolbox(db: Db, id: string): Promise<boolean> {
  const row = await db.toolbox.findUnique({ where: { id }, select: { drainRequestedAt: true } })
  return moveToolbox(db, id, row?.drainRequestedAt ? 'draining' : 'active')
}
