import { z } from 'zod'
import { type ConnectionTest, TestAttempt } from '#contracts/agents.ts'
import { systemCtx, type UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { toFailure } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { getTest } from './test.ts'

/**
 * Ends one's own test at once, whether it is queued, waits for its next attempt or goes on; the worker gives up its probe. A test
 * that has ended already stays as it is. Throws AppError NOT_FOUND.
 */
export async function cancelTest({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<ConnectionTest> {
  const test = await getTest({ ctx, input })
  if (test.finishedAt !== null) return test
  // Tests are written by the system alone, so that nobody makes one that passed.
  await withActor(systemCtx('connection-test').actor, async (db) => {
    const row = await db.connectionTest.findUniqueOrThrow({ where: { id: test.id } })
    const failure = toFailure('TEST_CANCELLED')
    const { count } = await db.connectionTest.updateMany({
      where: { id: test.id, finishedAt: null },
      data: {
        state: 'cancelled',
        failure,
        attempts: cutShort(z.array(TestAttempt).parse(row.attempts), failure),
        finishedAt: new Date(),
      },
    })
    if (count === 0) return
    await emit(db, {
      type: 'connection.test',
      subjectId: test.id,
      agentId: test.agentId,
      serverId: test.serverId,
      audience: [`user:${ctx.actor.userId}`],
      data: { state: 'cancelled' },
    })
  })
  return getTest({ ctx, input })
}

/** The last attempt goes on no longer, nor does a wait after it. */
function cutShort(attempts: TestAttempt[], failure: TestAttempt['failure']): TestAttempt[] {
  const last = attempts.at(-1)
  if (!last) return attempts
  const stages = last.stages.map((stage) =>
    stage.state === 'running' ? { ...stage, state: 'failed' as const } : stage,
  )
  return [...attempts.slice(0, -1), { ...last, stages, failure: last.failure ?? failure, retryInMs: null }]
}
