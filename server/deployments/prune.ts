import type { Db } from '#server/db/with-actor.ts'
import { env } from '#server/env.ts'

/**
 * Keeps the newest revisions of a server (`REVISIONS_KEPT`) and, however old, the one that serves, the one that served before it,
 * those of a deployment that goes on and those of which something is still on a toolbox. Of the others variables and headers are
 * deleted, secrets among them; number and source stay for the history of deployments.
 */
export async function pruneRevisions(db: Db, serverId: string): Promise<void> {
  const pruned = await db.$queryRaw<{ id: string }[]>`
    UPDATE revisions SET pruned_at = clock_timestamp() WHERE server_id = ${serverId}::uuid AND pruned_at IS NULL
      AND id NOT IN (SELECT id FROM revisions WHERE server_id = ${serverId}::uuid ORDER BY number DESC LIMIT ${env.REVISIONS_KEPT})
      AND id NOT IN (SELECT revision_id FROM instances WHERE server_id = ${serverId}::uuid AND gone_at IS NULL)
      AND id NOT IN (SELECT revision_id FROM deployments WHERE server_id = ${serverId}::uuid AND finished_at IS NULL)
      AND id NOT IN (SELECT revision_id FROM deployments WHERE server_id = ${serverId}::uuid AND state = 'live'
        GROUP BY revision_id ORDER BY max(finished_at) DESC LIMIT 2)
    RETURNING id`
  const of = { revisionId: { in: pruned.map(({ id }) => id) } }
  if (pruned.length === 0) return
  await db.revisionEnv.deleteMany({ where: of })
  await db.revisionHeader.deleteMany({ where: of })
}
