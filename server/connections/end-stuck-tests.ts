import type { Db } from '#server/db/with-actor.ts'
import { toFailure } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'

/** Three attempts of all their stages, the waits between them, and the time to find twice that a job was lost. */
const STUCK_AFTER = '5 minutes'

interface Stuck {
  id: string
  agentId: string
  serverId: string
  userId: string
}

/** Ends tests that no worker could bring to an end, so that nobody waits for them for ever. */
export async function endStuckTests(db: Db): Promise<void> {
  const failure = JSON.stringify(
    toFailure('PROBE_TIMEOUT', {
      detail: 'No worker brought the test to an end. Check that the worker runs.',
    }),
  )
  const rows = await db.$queryRaw<Stuck[]>`
    UPDATE connection_tests SET state = 'failed', finished_at = clock_timestamp(), failure = ${failure}::jsonb
    WHERE state IN ('queued', 'running') AND created_at < clock_timestamp() - ${STUCK_AFTER}::interval
    RETURNING id, agent_id AS "agentId", server_id AS "serverId", user_id AS "userId"`
  for (const { id, agentId, serverId, userId } of rows)
    await emit(db, {
      type: 'connection.test',
      subjectId: id,
      agentId,
      serverId,
      audience: [`user:${userId}`],
      data: { state: 'failed' },
    })
}
