import type { z } from 'zod'
import { type Registry, type RegistryList, registryHostOf } from '#contracts/registries.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { currentCursor } from '#server/events/cursor.ts'

/** Every registry with credentials, by host; passwords are never read. */
export async function listRegistries({ ctx }: { ctx: UserCtx }): Promise<z.infer<typeof RegistryList>> {
  return withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const rows = await db.registryCredential.findMany({
      orderBy: { host: 'asc' },
      select: { id: true, host: true, username: true, createdAt: true, updatedAt: true },
    })
    const counts = await serversByRegistry(db)
    return { cursor, items: rows.map((row) => registryView(row, counts)) }
  })
}

export interface RegistryRow {
  id: string
  host: string
  username: string
  createdAt: Date
  updatedAt: Date
}

export function registryView(row: RegistryRow, counts: ReadonlyMap<string, number>): Registry {
  return {
    id: row.id,
    host: row.host,
    username: row.username,
    serverCount: counts.get(row.host) ?? 0,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

/** How many servers run images of each registry. */
export async function serversByRegistry(db: Db): Promise<Map<string, number>> {
  const rows = await db.$queryRaw<{ image: string }[]>`
    SELECT r.spec->'source'->>'image' AS image FROM mcp_servers s
    JOIN LATERAL (SELECT spec FROM revisions WHERE server_id = s.id ORDER BY number DESC LIMIT 1) r ON true
    WHERE s.deleted_at IS NULL AND r.spec->'source'->>'type' = 'image'`
  const counts = new Map<string, number>()
  for (const { image } of rows) {
    const host = registryHostOf(image)
    counts.set(host, (counts.get(host) ?? 0) + 1)
  }
  return counts
}
