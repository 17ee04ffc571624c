import { type CatalogEntry, CatalogRelease } from '#contracts/catalog.ts'
import type { EntryRow } from './fetch.ts'
import { newestFirst } from './versions.ts'

/** An entry as admins see it, its newest release first. */
export function entryView(row: EntryRow, serverCount: number): CatalogEntry {
  return {
    id: row.id,
    slug: row.slug,
    title: row.title,
    description: row.description,
    categories: row.categories,
    iconUrl: row.iconUrl,
    docsUrl: row.docsUrl,
    publisher: row.publisher,
    origin: row.origin,
    releases: releasesOf(row),
    serverCount,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

/** Newest first. */
export function releasesOf(row: EntryRow): CatalogRelease[] {
  return row.releases.toSorted(newestFirst).map(({ spec }) => CatalogRelease.parse(spec))
}
