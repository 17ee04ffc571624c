import { isDeepStrictEqual } from 'node:util'
import type { CatalogEntry, CatalogRelease, UpdateCatalogEntry } from '#contracts/catalog.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { checkRelease } from './check-release.ts'
import { type EntryRow, fetchEntry, fetchEntryForUpdate } from './fetch.ts'
import { noteEntry } from './note.ts'
import { catalogServers } from './servers.ts'
import { entryView } from './view.ts'

const FIELDS = ['title', 'description', 'categories', 'iconUrl', 'docsUrl', 'publisher'] as const

/**
 * Changes an entry; servers deployed from it stay what they are. Throws AppError NOT_FOUND, BAD_REQUEST, and CONFLICT when it was
 * changed since `baseUpdatedAt`.
 */
export async function updateCatalogEntry({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: UpdateCatalogEntry
}): Promise<CatalogEntry> {
  if (input.release) checkRelease(input.release)
  return withActor(ctx.actor, async (db) => {
    const before = await fetchEntryForUpdate(db, input.id)
    if (input.baseUpdatedAt !== undefined && input.baseUpdatedAt !== before.updatedAt.toISOString())
      throw new AppError('CONFLICT', `catalog entry ${input.id} was changed meanwhile`, {
        detail: 'The entry was changed meanwhile.',
      })
    const changed: string[] = FIELDS.filter(
      (field) => input[field] !== undefined && !isDeepStrictEqual(input[field], before[field]),
    )
    if (input.release && (await putRelease(db, before, input.release)))
      changed.push(`release ${input.release.version}`)
    changed.push(...(await removeReleases(db, before, input)))
    if (changed.length > 0) {
      const now = new Date()
      const fields = Object.fromEntries(
        FIELDS.filter((field) => input[field] !== undefined).map((field) => [field, input[field]]),
      )
      await db.catalogEntry.update({
        where: { id: input.id },
        data: { ...fields, editedAt: now, updatedAt: now },
      })
      await noteEntry(
        db,
        ctx,
        'catalog.update',
        { ...before, title: input.title ?? before.title },
        { changed },
      )
    }
    const row = await fetchEntry(db, { id: input.id })
    return entryView(row, (await catalogServers(db, row.slug)).length)
  })
}

/** Adds a release, or puts it in the place of the one of its version. Answers whether that changed anything. */
export async function putRelease(db: Db, entry: EntryRow, release: CatalogRelease): Promise<boolean> {
  const spec = JSON.parse(JSON.stringify(release))
  const known = entry.releases.find(({ version }) => version === release.version)
  if (!known) await db.catalogRelease.create({ data: { entryId: entry.id, version: release.version, spec } })
  else if (isDeepStrictEqual(known.spec, spec)) return false
  else await db.catalogRelease.update({ where: { id: known.id }, data: { spec } })
  return true
}

async function removeReleases(db: Db, before: EntryRow, input: UpdateCatalogEntry): Promise<string[]> {
  const asked = new Set(input.removeVersions)
  if (asked.size === 0) return []
  const versions = new Set(before.releases.map(({ version }) => version))
  const left = [...versions, ...(input.release ? [input.release.version] : [])].filter(
    (version) => !asked.has(version),
  )
  const unknown = [...asked].filter((version) => !versions.has(version))
  const refuse = (text: string) =>
    new AppError('BAD_REQUEST', 'versions to remove', { fields: { removeVersions: [text] } })
  if (unknown.length > 0) throw refuse(`The entry has no version ${unknown.join(', ')}.`)
  if (left.length === 0) throw refuse('The last version cannot be removed. Delete the entry instead.')
  if (input.release && asked.has(input.release.version))
    throw refuse('The version that is given cannot be removed at the same time.')
  await db.catalogRelease.deleteMany({ where: { entryId: before.id, version: { in: [...asked] } } })
  return [...asked].map((version) => `removed ${version}`)
}
