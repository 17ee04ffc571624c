import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'

/** Events older than this cannot be replayed any more; a cursor from before gets a reset. */
const KEEP = '7 days'

export async function pruneEvents(): Promise<void> {
  await withActor(systemCtx('prune').actor, async (db) => {
    const [row] = await db.$queryRaw<{ xid: bigint | null }[]>`
      WITH gone AS (DELETE FROM events WHERE id IN (
        SELECT id FROM events WHERE at < now() - ${KEEP}::interval ORDER BY xid, id LIMIT 5000) RETURNING xid)
      SELECT max(xid) AS xid FROM gone`
    if (row?.xid) await db.$executeRaw`UPDATE installation SET pruned_xid = greatest(pruned_xid, ${row.xid})`
  })
}
