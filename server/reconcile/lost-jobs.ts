import { endStuckTests } from '#server/connections/end-stuck-tests.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { enqueue } from '#server/queues/enqueue.ts'

/** A deployment that nobody has touched for so long has lost its job (a step comes at least every second). */
const LOST_AFTER = '15 seconds'
/** An attempt of a connection test takes at most three stages of 10 s. */
const TEST_LOST_AFTER = '45 seconds'
const HANDED_OVER_FOR = '1 hour'

/**
 * Puts new outbox rows for work that was lost with its job (an emptied Redis, a killed worker): always a new id, since an id that
 * the queue still keeps is silently ignored.
 */
export async function requeueLostJobs(): Promise<void> {
  await withActor(systemCtx('reconcile').actor, async (db) => {
    const deployments = await db.$queryRaw<{ id: string }[]>`
      UPDATE deployments SET touched_at = clock_timestamp()
      WHERE touched_at < clock_timestamp() - ${LOST_AFTER}::interval
        AND (state IN ('queued', 'preparing', 'starting', 'probing') OR (state IN ('failed', 'cancelled', 'rolled_back') AND cleaned_up_at IS NULL))
      RETURNING id`
    for (const { id } of deployments) await enqueue(db, 'provision', { deploymentId: id })
    await endStuckTests(db)
    const tests = await db.$queryRaw<{ id: string }[]>`
      SELECT t.id FROM connection_tests t
      WHERE t.state IN ('queued', 'running') AND greatest(t.created_at, (t.attempts->-1->>'startedAt')::timestamptz) < clock_timestamp() - ${TEST_LOST_AFTER}::interval
        AND NOT EXISTS (SELECT FROM outbox o WHERE o.payload->>'testId' = t.id::text AND o.created_at > clock_timestamp() - ${TEST_LOST_AFTER}::interval)`
    for (const { id } of tests) await enqueue(db, 'connection-test', { testId: id })
    await db.$executeRaw`DELETE FROM outbox WHERE relayed_at < clock_timestamp() - ${HANDED_OVER_FOR}::interval`
  })
}
