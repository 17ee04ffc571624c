import type { CatalogEntryGet, GetCatalogEntry } from '#contracts/catalog.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { fetchEntry } from './fetch.ts'
import { catalogServers } from './servers.ts'
import { entryView } from './view.ts'

/** Throws AppError NOT_FOUND. */
export async function getCatalogEntry({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: GetCatalogEntry
}): Promise<CatalogEntryGet> {
  return withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const row = await fetchEntry(db, input)
    const servers = await catalogServers(db, row.slug)
    return {
      ...entryView(row, servers.length),
      cursor,
      servers: servers.map(({ id, name, state, version }) => ({ id, name, state, version })),
    }
  })
}
