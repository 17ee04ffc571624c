import type { z } from 'zod'
import type { ToolboxGet, ToolboxList } from '#contracts/toolboxes.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { readBreakers } from '#server/dtma/breaker-state.ts'
import { AppError } from '#server/errors.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { findAgentPackage } from './agent-package.ts'
import { loadRoom } from './room.ts'
import { serverOnToolbox, TOOLBOX_INCLUDE, toolboxView } from './view.ts'

/** Every toolbox, by name; those that are being deleted too, until nothing of them is left. */
export async function listToolboxes({ ctx }: { ctx: UserCtx }): Promise<z.infer<typeof ToolboxList>> {
  const ours = await findAgentPackage()
  const { cursor, rows, rooms } = await withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const rows = await db.toolbox.findMany({
      where: { deletedAt: null },
      orderBy: { name: 'asc' },
      include: TOOLBOX_INCLUDE,
    })
    const rooms = new Map((await loadRoom(db)).map((room) => [room.id, room]))
    return { cursor, rows, rooms }
  })
  const breakers = await readBreakers(rows.map(({ id }) => id))
  const items = rows.map((row) =>
    toolboxView(row, { room: rooms.get(row.id), breaker: breakers.get(row.id), ours }),
  )
  return { cursor, items }
}

/** Throws AppError NOT_FOUND. */
export async function getToolbox({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<z.infer<typeof ToolboxGet>> {
  const ours = await findAgentPackage()
  const { cursor, row, room } = await withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const row = await db.toolbox.findFirst({
      where: { id: input.id, deletedAt: null },
      include: TOOLBOX_INCLUDE,
    })
    if (!row) throw new AppError('NOT_FOUND', `no toolbox ${input.id}`)
    const [room] = await loadRoom(db, { toolboxId: input.id })
    return { cursor, row, room }
  })
  const breaker = (await readBreakers([row.id])).get(row.id)
  return { ...toolboxView(row, { room, breaker, ours }), cursor, servers: row.servers.map(serverOnToolbox) }
}
