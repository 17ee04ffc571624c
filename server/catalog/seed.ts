import { isDeepStrictEqual } from 'node:util'
import type { CreateCatalogEntry } from '#contracts/catalog.ts'
import { systemCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { insertEntry } from './create.ts'
import { ENTRY_INCLUDE } from './fetch.ts'
import { auditEntry, noteEntry } from './note.ts'
import { putRelease } from './update.ts'

const ctx = systemCtx('setup')

/**
 * Puts the entries that come with this version into the catalog. Those that an admin changed, deleted or made are left as they
 * are; of the others fields are brought up to date, and releases added beside those that there are. Answers what changed.
 */
export async function seedCatalog(
  entries: readonly CreateCatalogEntry[],
): Promise<{ added: string[]; changed: string[] }> {
  return withActor(ctx.actor, async (db) => {
    // Several starts at once on one database: one after the other.
    await db.$executeRaw`LOCK TABLE catalog_entries IN SHARE ROW EXCLUSIVE MODE`
    const added: string[] = []
    const changed: string[] = []
    for (const entry of entries) {
      const outcome = await seedEntry(db, entry)
      if (outcome === 'added') added.push(entry.slug)
      if (outcome === 'changed') changed.push(entry.slug)
    }
    return { added, changed }
  })
}

async function seedEntry(db: Db, entry: CreateCatalogEntry): Promise<'added' | 'changed' | 'kept'> {
  const known = await db.catalogEntry.findMany({ where: { slug: entry.slug }, include: ENTRY_INCLUDE })
  if (known.some((row) => row.origin !== 'seed' || row.editedAt !== null)) return 'kept'
  const [before] = known
  if (!before) {
    await auditEntry(db, ctx, 'catalog.create', await insertEntry(db, entry, 'seed'), {
      version: entry.release.version,
    })
    return 'added'
  }
  const { release, ...fields } = entry
  const stale = Object.entries(fields).some(
    ([name, value]) => !isDeepStrictEqual(value, before[name as keyof typeof before]),
  )
  const released = await putRelease(db, before, release)
  if (!stale && !released) return 'kept'
  await db.catalogEntry.update({ where: { id: before.id }, data: { ...fields, updatedAt: new Date() } })
  await noteEntry(db, ctx, 'catalog.update', before, { version: release.version })
  return 'changed'
}
