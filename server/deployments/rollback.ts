import type { RedeployAnswer, RollbackServer } from '#contracts/deployments.ts'
import type { UserCtx } from '#server/context.ts'
import { AppError } from '#server/errors.ts'
import { changeRevision } from './change-revision.ts'
import { loadRevision } from './revision.ts'

/**
 * Deploys a copy of a kept revision as a new one, with the same variables and the very same image. Throws AppError NOT_FOUND, BAD_REQUEST for the
 * current revision, CONFLICT, DEPLOYMENT_IN_PROGRESS, TOOLBOX_NOT_ACTIVE, TOOLBOX_FULL.
 */
export async function rollbackServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: RollbackServer
}): Promise<RedeployAnswer> {
  return changeRevision(ctx, input.id, async ({ db, current, write, deploy }) => {
    if (input.number === current.number)
      throw new AppError('BAD_REQUEST', `revision ${input.number} is the current one`, {
        fields: { number: ['This is the current revision. Redeploy the server to deploy it once more.'] },
      })
    const { spec, env, headers, imageDigest } = await loadRevision(db, input.id, input.number)
    const revision = await write(spec, { env, headers, imageDigest })
    return deploy({ action: 'server.rollback', revision, detail: { to: input.number } })
  })
}
