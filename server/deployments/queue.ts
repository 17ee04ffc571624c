import type { DeployAnswer } from '#contracts/deployments.ts'
import type { UserCtx } from '#server/context.ts'
import type { Db } from '#server/db/with-actor.ts'
import { enqueue } from '#server/queues/enqueue.ts'
import { estimate } from './estimate.ts'
import { announce, notePhase } from './transition.ts'

/** From accepted to live at most; a cold install of a large package over a slow line fits. */
const DEPLOYMENT_DEADLINE_MS = 10 * 60_000

/**
 * Writes a deployment of a revision with the outbox row that brings it to the provision worker. Hits the index
 * `deployments_one_at_a_time` while another one of the same server goes on.
 */
export async function queueDeployment(
  db: Db,
  ctx: UserCtx,
  input: { serverId: string; revisionId: string; sourceKey: string; toolboxId?: string | null },
): Promise<DeployAnswer> {
  const expected = await estimate(db, input.sourceKey)
  const now = Date.now()
  const deployment = await db.deployment.create({
    data: {
      ...input,
      requestedBy: ctx.actor.userId,
      ...(expected && { estimate: expected, estimatedReadyAt: new Date(now + expected.medianMs) }),
      deadlineAt: new Date(now + DEPLOYMENT_DEADLINE_MS),
    },
  })
  await notePhase(db, deployment.id, 'queued', null, false)
  await enqueue(db, 'provision', { deploymentId: deployment.id })
  await announce(db, deployment, { state: 'queued' })
  return {
    serverId: input.serverId,
    deploymentId: deployment.id,
    status: 'queued',
    estimatedReadyAt: deployment.estimatedReadyAt?.toISOString() ?? null,
    estimate: expected,
  }
}
