import type { Estimate } from '#contracts/deployments.ts'
import type { Db } from '#server/db/with-actor.ts'

/** How many of the last deployments of the same source are looked at. */
const SAMPLE = 20

/**
 * Median and 90th percentile, in milliseconds from accepted to live, of this installation's own last deployments of the same
 * source; null before there is one.
 */
export async function estimate(db: Db, sourceKey: string): Promise<Estimate | null> {
  const [row] = await db.$queryRaw<{ median: number | null; p90: number | null; samples: number }[]>`
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::float8 AS median,
      percentile_cont(0.9) WITHIN GROUP (ORDER BY ms)::float8 AS p90, count(*)::int AS samples FROM (
      SELECT extract(epoch FROM finished_at - created_at) * 1000 AS ms FROM deployments
      WHERE source_key = ${sourceKey} AND state = 'live' ORDER BY created_at DESC LIMIT ${SAMPLE}) AS last`
  if (!row || row.median === null || row.p90 === null) return null
  return { medianMs: Math.round(row.median), p90Ms: Math.round(row.p90), samples: row.samples }
}
