import type { RevisionView } from '#contracts/servers.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { fetchServer } from '#server/mcp-servers/fetch.ts'
import { REVISION_INCLUDE, revisionView } from './view.ts'

/** The last revisions of a server that are shown. */
const SHOWN = 50

/** Those kept, newest first. Throws AppError NOT_FOUND. */
export async function listRevisions({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<RevisionView[]> {
  return withActor(ctx.actor, async (db) => {
    await fetchServer(db, input.id)
    const rows = await db.revision.findMany({
      where: { serverId: input.id, prunedAt: null },
      orderBy: { number: 'desc' },
      take: SHOWN,
      include: REVISION_INCLUDE,
    })
    return rows.map(revisionView)
  })
}
