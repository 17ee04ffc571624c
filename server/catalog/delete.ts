import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { fetchEntryForUpdate } from './fetch.ts'
import { noteEntry } from './note.ts'

/**
 * Takes an entry out of the catalog. Servers deployed from it keep what they run with. The row stays, so that one that came with
 * Toolberth does not come back. Throws AppError NOT_FOUND.
 */
export async function deleteCatalogEntry({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<{ id: string }> {
  return withActor(ctx.actor, async (db) => {
    const entry = await fetchEntryForUpdate(db, input.id)
    const now = new Date()
    await db.catalogEntry.update({ where: { id: entry.id }, data: { deletedAt: now, editedAt: now } })
    await noteEntry(db, ctx, 'catalog.delete', entry)
    return { id: entry.id }
  })
}
