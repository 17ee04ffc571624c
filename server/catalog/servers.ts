import type { ServerState } from '#contracts/servers.ts'
import type { Db } from '#server/db/with-actor.ts'

export interface CatalogServer {
  id: string
  name: string
  state: ServerState
  slug: string
  version: string
}

/** Servers whose latest revision was made from an entry, by name; without a slug those of every entry. */
export async function catalogServers(db: Db, slug?: string): Promise<CatalogServer[]> {
  return db.$queryRaw<CatalogServer[]>`
    SELECT s.id, s.name, s.observed AS state, r.spec -> 'catalog' ->> 'slug' AS slug,
      r.spec -> 'catalog' ->> 'version' AS version
    FROM revisions r JOIN mcp_servers s ON s.id = r.server_id
    WHERE r.spec ? 'catalog' AND s.deleted_at IS NULL
      AND (${slug ?? null}::text IS NULL OR r.spec -> 'catalog' ->> 'slug' = ${slug ?? null}::text)
      AND r.number = (SELECT max(number) FROM revisions WHERE server_id = s.id)
    ORDER BY s.name`
}
