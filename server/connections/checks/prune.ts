import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'

const KEEP = '30 days'
/** Rows deleted at a time. */
const BATCH = 20_000

/** Deletes checks and calls that are older than any range that is shown. */
export async function pruneHistory(): Promise<void> {
  await withActor(systemCtx('prune').actor, async (db) => {
    await db.$executeRaw`
      DELETE FROM connection_checks WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM connection_checks WHERE at < now() - ${KEEP}::interval LIMIT ${BATCH}::int))`
    await db.$executeRaw`
      DELETE FROM calls WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM calls WHERE at < now() - ${KEEP}::interval LIMIT ${BATCH}::int))`
  })
}
