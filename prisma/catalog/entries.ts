import { CreateCatalogEntry } from '#contracts/catalog.ts'
import { BROWSER_ENTRIES } from './browsers.ts'
import { REFERENCE_ENTRIES } from './reference.ts'
import { SEARCH_ENTRIES } from './search.ts'
import { SERVICE_ENTRIES } from './services.ts'

/** What a new installation's catalog has. Versions are pinned: each was deployed as it stands (`scripts/check-catalog.ts`). */
export const SEED_ENTRIES: readonly CreateCatalogEntry[] = [
  ...REFERENCE_ENTRIES,
  ...SEARCH_ENTRIES,
  ...BROWSER_ENTRIES,
  ...SERVICE_ENTRIES,
].map((entry) => CreateCatalogEntry.parse(entry))
