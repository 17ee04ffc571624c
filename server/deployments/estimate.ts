import type { Db } from '#server/db/with-actor.ts'

/** How many of the last deployments of the same source are looked at. */
const SAMPLE = 20

/** Median milliseconds from accepted to live of this installation's own deployments of the same source; null before there is one. */
export async function estimateMs(db: Db, sourceKey: string): Promise<number | null> {
  const [row] = await db.$queryRaw<{ median: number | null }[]>`
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::float8 AS median FROM (
      SELECT extract(epoch FROM finished_at - created_at) * 1000 AS ms FROM deployments
      WHERE source_key = ${sourceKey} AND state = 'live' ORDER BY created_at DESC LIMIT ${SAMPLE}) AS last`
  return row?.median ?? null
}
