import type { CatalogEntry, CatalogList, ListCatalog } from '#contracts/catalog.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { ENTRY_INCLUDE } from './fetch.ts'
import { catalogServers } from './servers.ts'
import { entryView } from './view.ts'

/** Entries by title, those that match. Categories are those of every entry, so that a filter can be taken back. */
export async function listCatalog({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: ListCatalog
}): Promise<CatalogList> {
  return withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const rows = await db.catalogEntry.findMany({
      where: { deletedAt: null },
      orderBy: [{ title: 'asc' }, { slug: 'asc' }],
      include: ENTRY_INCLUDE,
    })
    const counts = Map.groupBy(await catalogServers(db), ({ slug }) => slug)
    const entries = rows.map((row) => entryView(row, counts.get(row.slug)?.length ?? 0))
    const words = (input?.search ?? '').toLowerCase().split(/\s+/).filter(Boolean)
    const category = input?.category?.toLowerCase()
    return {
      cursor,
      total: entries.length,
      items: entries.filter(
        (entry) =>
          (category === undefined || entry.categories.some((one) => one.toLowerCase() === category)) &&
          matches(entry, words),
      ),
      categories: categoriesOf(entries),
    }
  })
}

function matches(entry: CatalogEntry, words: readonly string[]): boolean {
  const source = entry.releases[0]?.source
  const text = [
    entry.slug,
    entry.title,
    entry.description,
    entry.publisher,
    source?.type === 'npm' && source.package,
    source?.type === 'image' && source.image,
    source?.type === 'remote' && source.url,
    ...entry.categories,
  ]
    .filter(Boolean)
    .join('\n')
    .toLowerCase()
  return words.every((word) => text.includes(word))
}

function categoriesOf(entries: readonly CatalogEntry[]): CatalogList['categories'] {
  const counts = new Map<string, number>()
  for (const name of entries.flatMap(({ categories }) => [...new Set(categories)]))
    counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
}
