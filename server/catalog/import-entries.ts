import { isDeepStrictEqual } from 'node:util'
import { type CatalogEntry, CatalogRelease, type CreateCatalogEntry } from '#contracts/catalog.ts'
import type { ImportAnswer, ImportCatalog, ImportItem } from '#contracts/catalog-transfer.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { insertEntry, refuseTakenSlug } from './create.ts'
import { ENTRY_INCLUDE, type EntryRow } from './fetch.ts'
import type { ImportDraft } from './import/draft.ts'
import { type ReadConfig, readConfig } from './import/read.ts'
import { readServerJson } from './import/server-json.ts'
import { noteEntry } from './note.ts'
import { fetchFromRegistry } from './registry.ts'
import { putRelease } from './update.ts'
import { bringable, letUsersBring } from './users-bring.ts'
import { releasesOf } from './view.ts'

/**
 * Reads servers of another program's configuration or of the MCP registry; with `apply` puts those named into the catalog, all or
 * none. Values of secrets are answered and never kept. Throws AppError IMPORT_UNREADABLE, REGISTRY_UNREACHABLE, BAD_REQUEST,
 * CATALOG_SLUG_TAKEN.
 */
export async function importCatalog({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: ImportCatalog
}): Promise<ImportAnswer> {
  const { format, drafts } = await readFrom(input.from)
  const { apply } = input
  if (!apply) {
    const items = await withActor(ctx.actor, async (db) => {
      const known = await entriesOf(db, drafts)
      return drafts.map((draft) => itemOf(draft, known))
    })
    return { format, items }
  }
  const chosen = apply.map((choice, at) => chosenDraft(drafts, choice, at))
  return refuseTakenSlug(chosen[0]?.entry?.slug ?? '', () =>
    withActor(ctx.actor, async (db) => {
      const items: ImportItem[] = []
      // One after the other, each seeing those before: two of one slug are one entry with two releases.
      for (const draft of chosen) items.push(await applyDraft(db, ctx, draft))
      return { format, items }
    }),
  )
}

async function readFrom(from: ImportCatalog['from']): Promise<ReadConfig> {
  if (from.type === 'text') return readConfig(from.text)
  const server = await fetchFromRegistry(from.name, from.version)
  return { format: 'server-json', drafts: [readServerJson(server)] }
}

function chosenDraft(
  drafts: readonly ImportDraft[],
  { key, slug, usersBring = [] }: NonNullable<ImportCatalog['apply']>[number],
  at: number,
): ImportDraft {
  const draft = drafts.find((one) => one.key === key)
  const refuse = (text: string, field = 'key') =>
    new AppError('BAD_REQUEST', `import of ${key}`, { fields: { [`apply.${at}.${field}`]: [text] } })
  if (!draft) throw refuse(`There is no server named "${key}" in it.`)
  if (!draft.entry) throw refuse(draft.refusal ?? 'This server cannot be run.')
  const { release } = draft.entry
  const known = new Set(bringable(release).map(({ name }) => name))
  const unknown = usersBring.find((name) => !known.has(name))
  if (unknown !== undefined) throw refuse(`Its users cannot bring "${unknown}".`, 'usersBring')
  const entry = {
    ...draft.entry,
    ...(slug !== undefined && { slug }),
    release: CatalogRelease.parse(letUsersBring(release, usersBring)),
  }
  return { ...draft, entry }
}

async function entriesOf(db: Db, drafts: readonly ImportDraft[]): Promise<Map<string, EntryRow>> {
  const slugs = drafts.flatMap(({ entry }) => (entry ? [entry.slug] : []))
  const rows = await db.catalogEntry.findMany({
    where: { slug: { in: slugs }, deletedAt: null },
    include: ENTRY_INCLUDE,
  })
  return new Map(rows.map((row) => [row.slug, row]))
}

/** What becomes of a draft: an entry of the same thing gets one more release, one of another thing needs another name. */
function itemOf(draft: ImportDraft, known: ReadonlyMap<string, EntryRow>): ImportItem {
  const { key, answers, notes, refusal } = draft
  if (!draft.entry) return { key, action: 'refuse', entry: null, answers, notes, refusal, entryId: null }
  const before = known.get(draft.entry.slug)
  if (!before) return { key, action: 'create', entry: draft.entry, answers, notes, refusal, entryId: null }
  if (!isSameThing(before, draft.entry)) {
    const entry = { ...draft.entry, slug: `${draft.entry.slug.slice(0, 36)}-2` }
    const note = `"${draft.entry.slug}" is another server in the catalog, so this one gets another name.`
    return { key, action: 'create', entry, answers, notes: [...notes, note], refusal, entryId: null }
  }
  const replaces = before.releases.some(({ version }) => version === draft.entry?.release.version)
  return {
    key,
    action: replaces ? 'replace' : 'release',
    entry: draft.entry,
    answers,
    notes,
    refusal,
    entryId: null,
  }
}

async function applyDraft(db: Db, ctx: UserCtx, draft: ImportDraft): Promise<ImportItem> {
  const item = itemOf(draft, await entriesOf(db, [draft]))
  const { entry } = item
  if (!entry) throw new Error(`The draft ${draft.key} has no entry.`)
  if (item.action === 'create') {
    const row = await insertEntry(db, entry, 'imported')
    await noteEntry(db, ctx, 'catalog.import', row, { version: entry.release.version })
    return { ...item, entryId: row.id }
  }
  const before = (await entriesOf(db, [draft])).get(entry.slug)
  if (!before) throw new Error(`The entry ${entry.slug} is gone.`)
  if (await putRelease(db, before, entry.release)) {
    const now = new Date()
    await db.catalogEntry.update({ where: { id: before.id }, data: { editedAt: now, updatedAt: now } })
    await noteEntry(db, ctx, 'catalog.import', before, { version: entry.release.version })
  }
  return { ...item, entryId: before.id }
}

function isSameThing(before: EntryRow, entry: CreateCatalogEntry): boolean {
  return releasesOf(before).some(({ source }) =>
    isDeepStrictEqual(thingOf(source), thingOf(entry.release.source)),
  )
}

/** A package, an image without its tag, or a URL. */
function thingOf(source: CatalogEntry['releases'][number]['source']): readonly string[] {
  switch (source.type) {
    case 'npm':
      return ['npm', source.package]
    case 'image':
      return ['image', source.image.replace(/(?::[^:/@]+)?(?:@.*)?$/, '')]
    case 'remote':
      return ['remote', source.url]
  }
}
