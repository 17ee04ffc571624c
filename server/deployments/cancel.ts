import type { Deployment } from '#contracts/deployments.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { enqueue } from '#server/queues/enqueue.ts'
import { announce, IN_PROGRESS } from './transition.ts'
import { DEPLOYMENT_INCLUDE, deploymentView } from './view.ts'

/** Asks a deployment to stop; the worker ends it and removes what it left. Idempotent. Throws AppError NOT_FOUND, CONFLICT. */
export async function cancelDeployment({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<Deployment> {
  return withActor(ctx.actor, async (db) => {
    const found = await db.deployment.findUnique({
      where: { id: input.id },
      select: { id: true, serverId: true },
    })
    if (!found) throw new AppError('NOT_FOUND', `no deployment ${input.id}`)
    const { count } = await db.deployment.updateMany({
      where: {
        id: input.id,
        state: { in: [...IN_PROGRESS] },
        failure: { equals: Prisma.DbNull },
        cancelRequested: false,
      },
      data: { cancelRequested: true },
    })
    if (count > 0) {
      await enqueue(db, 'provision', { deploymentId: input.id })
      await announce(db, found, { cancelRequested: true })
      await recordAudit(db, ctx, {
        action: 'deployment.cancel',
        subjectType: 'deployment',
        subjectId: input.id,
        detail: { serverId: found.serverId },
      })
    }
    const row = await db.deployment.findUniqueOrThrow({
      where: { id: input.id },
      include: DEPLOYMENT_INCLUDE,
    })
    if (count === 0 && !row.finishedAt && row.failure !== null && !row.cancelRequested)
      throw new AppError('CONFLICT', `deployment ${input.id} has failed`, {
        detail: 'It has failed already, and the revision before is being brought back.',
      })
    if (count === 0 && row.finishedAt && row.state !== 'cancelled')
      throw new AppError('CONFLICT', `deployment ${input.id} is ${row.state}`, {
        detail: `The deployment has ended already: ${row.state}.`,
      })
    return deploymentView(row)
  })
}
