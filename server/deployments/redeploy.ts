import type { RedeployAnswer } from '#contracts/servers.ts'
import type { UserCtx } from '#server/context.ts'
import { changeRevision } from './change-revision.ts'

/**
 * Deploys the latest revision once more, beside the instance that serves; also the way to try a failed deployment again. A stopped
 * server runs once it is live. Throws AppError NOT_FOUND, CONFLICT, DEPLOYMENT_IN_PROGRESS, TOOLBOX_NOT_ACTIVE, TOOLBOX_FULL.
 */
export async function redeployServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<RedeployAnswer> {
  return changeRevision(ctx, input.id, async ({ latest, deploy }) =>
    deploy({ action: 'server.redeploy', revision: latest, detail: {} }),
  )
}
