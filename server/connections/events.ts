import type { z } from 'zod'
import type { ConnectionEvents } from '#contracts/agents.ts'
import type { ListConnectionEvents } from '#contracts/events.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { readConnectionEvents } from '#server/events/read.ts'

/**
 * What happened to one's own connection in the last 7 days, newest first; without an id: which of all of them began to fail or
 * works again. Throws AppError NOT_FOUND.
 */
export async function listConnectionEvents({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: z.infer<typeof ListConnectionEvents>
}): Promise<z.infer<typeof ConnectionEvents>> {
  const { id, cursor, limit } = input
  return withActor(ctx.actor, async (db) => {
    if (id !== undefined && !(await db.connection.findFirst({ where: { id }, select: { id: true } })))
      throw new AppError('NOT_FOUND', `no connection ${id}`)
    const items = await readConnectionEvents(db, {
      id,
      before: cursor,
      limit: limit + 1,
      userId: ctx.actor.userId,
    })
    const page = items.slice(0, limit)
    return { items: page, next: items.length > limit ? (page.at(-1)?.id ?? null) : null }
  })
}
