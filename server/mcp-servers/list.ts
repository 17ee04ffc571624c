import type { z } from 'zod'
import type { ServerList } from '#contracts/servers.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { ADMIN_INCLUDE, adminSummary, PUBLIC_INCLUDE, publicSummary } from './view.ts'

/** Every server that the actor may see, by name. */
export async function listServers({ ctx }: { ctx: UserCtx }): Promise<z.infer<typeof ServerList>> {
  return withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const where = { deletedAt: null }
    const orderBy = { name: 'asc' } as const
    const items =
      ctx.actor.kind === 'admin'
        ? (await db.mcpServer.findMany({ where, orderBy, include: ADMIN_INCLUDE })).map(adminSummary)
        : (await db.mcpServer.findMany({ where, orderBy, include: PUBLIC_INCLUDE })).map(publicSummary)
    return { cursor, items }
  })
}
