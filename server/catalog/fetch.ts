import type { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'

export const ENTRY_INCLUDE = { releases: true } satisfies Prisma.CatalogEntryInclude
export type EntryRow = Prisma.CatalogEntryGetPayload<{ include: typeof ENTRY_INCLUDE }>

/** An entry that is not deleted, with its releases, by id or slug. Throws AppError NOT_FOUND. */
export async function fetchEntry(
  db: Db,
  by: { id?: string | undefined; slug?: string | undefined },
): Promise<EntryRow> {
  const where = { deletedAt: null, ...(by.id === undefined ? { slug: by.slug ?? '' } : { id: by.id }) }
  const row = await db.catalogEntry.findFirst({ where, include: ENTRY_INCLUDE })
  if (!row) throw new AppError('NOT_FOUND', `no catalog entry ${by.id ?? by.slug}`)
  return row
}

/** The same, held until the transaction ends: two admins at once change it one after the other. */
export async function fetchEntryForUpdate(db: Db, id: string): Promise<EntryRow> {
  await db.$queryRaw`SELECT id FROM catalog_entries WHERE id = ${id}::uuid FOR UPDATE`
  return fetchEntry(db, { id })
}
