import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import type { Check } from './record.ts'

/** A check takes at most eight stages of 5 s; a claim whose worker was killed is free again after this. */
const LEASE_SECONDS = 60
/** Checks under way at one toolbox, from all workers together. */
const PER_TOOLBOX = 2
/**
 * Takes at most `limit` of the checks that are due, for the caller to make: one for all connections of a server that are served alike, one each for those with credentials
 * of their own. No toolbox gets more than two at once, so one that hangs keeps nobody else waiting.
 */
export async function claimDueChecks(limit: number): Promise<Check[]> {
  return withActor(systemCtx('connection-check').actor, async (db) => {
    // Whoever claims at the same time does the same work.
    const [lock] = await db.$queryRaw<{ free: boolean }[]>`
      SELECT pg_try_advisory_xact_lock(hashtext('connection-check')) AS free`
    if (!lock?.free) return []
    return db.$queryRaw<Check[]>`
      WITH wanted AS (
        SELECT c.id, c.server_id, i.toolbox_id, c.next_check_at AS due,
          coalesce(c.check_lease_until > clock_timestamp(), false) AS leased, 
          CASE WHEN EXISTS (SELECT FROM connection_credentials k WHERE k.connection_id = c.id) THEN c.id END AS own
        FROM connections c
        JOIN mcp_servers s ON s.id = c.server_id AND s.desired = 'running' AND s.deleted_at IS NULL
        JOIN instances i ON i.id = s.live_instance_id AND i.desired = 'running'
        WHERE c.state <> 'disconnected' AND c.next_check_at <= clock_timestamp()
      ), groups AS (
        SELECT server_id, toolbox_id, own, min(due) AS due, bool_or(leased) AS leased FROM wanted GROUP BY 1, 2, 3
      ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY toolbox_id ORDER BY due)
          + (SELECT count(*) FROM groups b WHERE b.leased AND b.toolbox_id = g.toolbox_id) AS place
        FROM groups g WHERE NOT leased
      ), chosen AS (SELECT * FROM ranked WHERE place <= ${PER_TOOLBOX} ORDER BY due LIMIT ${limit}::int),
      taken AS (
        UPDATE connections c SET check_lease_until = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS}::float8)
        FROM wanted w JOIN chosen ON chosen.server_id = w.server_id AND chosen.own IS NOT DISTINCT FROM w.own
        WHERE c.id = w.id RETURNING c.server_id, chosen.own)
      SELECT DISTINCT server_id AS "serverId", own AS "connectionId" FROM taken`
  })
}
