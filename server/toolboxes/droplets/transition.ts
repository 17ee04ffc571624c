import { DropletHistory, type DropletStep } from '#contracts/droplets.ts'
import { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'

/** Legal moves. Whatever happens before `ready` ends in `destroying`, and that ends only when nothing is left. */
export const DROPLET_MOVES: Readonly<Record<DropletStep, readonly DropletStep[]>> = {
  creating: ['booting', 'destroying'],
  booting: ['securing', 'destroying'],
  securing: ['installing', 'destroying'],
  installing: ['ready', 'destroying'],
  ready: ['destroying'],
  destroying: ['gone'],
  gone: ['creating'],
}

type Extra = Omit<Prisma.DropletUncheckedUpdateManyInput, 'step' | 'history' | 'toolboxId'>

/** Moves a droplet by a conditional update, and keeps when each step began and ended. False: it was somewhere else already. */
export async function moveDroplet(
  db: Db,
  toolboxId: string,
  to: DropletStep,
  extra: Extra = {},
): Promise<boolean> {
  const from = (Object.keys(DROPLET_MOVES) as DropletStep[]).filter((step) =>
    DROPLET_MOVES[step].includes(to),
  )
  const row = await db.droplet.findUnique({ where: { toolboxId }, select: { history: true } })
  const now = new Date().toISOString()
  const before = DropletHistory.safeParse(row?.history)
  const ended = (before.success ? before.data : []).map((one) => ({ ...one, endedAt: one.endedAt ?? now }))
  // A new attempt begins a new history.
  const history = [
    ...(to === 'creating' ? [] : ended),
    { step: to, startedAt: now, endedAt: to === 'ready' || to === 'gone' ? now : null },
  ]
  const { count } = await db.droplet.updateMany({
    where: { toolboxId, step: { in: from } },
    data: { trouble: Prisma.DbNull, ...extra, step: to, history },
  })
  if (count === 0) return false
  await announceDroplet(db, toolboxId)
  return true
}

/** Tells the pages that something about the machine changed. */
export async function announceDroplet(db: Db, toolboxId: string): Promise<void> {
  const { state } = await db.toolbox.findUniqueOrThrow({ where: { id: toolboxId }, select: { state: true } })
  await emit(db, {
    type: 'toolbox.updated',
    subjectId: toolboxId,
    toolboxId,
    audience: ['admins'],
    data: { state },
  })
}
