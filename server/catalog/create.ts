import type { CatalogEntry, CreateCatalogEntry } from '#contracts/catalog.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError, isUniqueViolation } from '#server/errors.ts'
import { checkRelease } from './check-release.ts'
import { ENTRY_INCLUDE, type EntryRow } from './fetch.ts'
import { noteEntry } from './note.ts'
import { entryView } from './view.ts'

/** Throws AppError CATALOG_SLUG_TAKEN, BAD_REQUEST. */
export async function createCatalogEntry({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: CreateCatalogEntry
}): Promise<CatalogEntry> {
  checkRelease(input.release)
  return refuseTakenSlug(input.slug, () =>
    withActor(ctx.actor, async (db) => {
      const row = await insertEntry(db, input, 'created')
      await noteEntry(db, ctx, 'catalog.create', row, { version: input.release.version })
      return entryView(row, 0)
    }),
  )
}

/** The rows of an entry with its first release. */
export async function insertEntry(
  db: Db,
  { release, ...fields }: CreateCatalogEntry,
  origin: 'seed' | 'imported' | 'created',
): Promise<EntryRow> {
  return db.catalogEntry.create({
    data: {
      ...fields,
      origin,
      releases: { create: { version: release.version, spec: JSON.parse(JSON.stringify(release)) } },
    },
    include: ENTRY_INCLUDE,
  })
}

/** Says a unique slug that was hit in words. Throws AppError CATALOG_SLUG_TAKEN. */
export async function refuseTakenSlug<T>(slug: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isUniqueViolation(error, 'catalog_entries_slug_unique'))
      throw new AppError('CATALOG_SLUG_TAKEN', `catalog entry ${slug} exists`, {
        fields: { slug: [`There is an entry named "${slug}" already.`] },
        cause: error,
      })
    throw error
  }
}
