import type { RedeployAnswer, RedeployServer } from '#contracts/servers.ts'
import type { UserCtx } from '#server/context.ts'
import { changeRevision } from './change-revision.ts'
import { loadRevision } from './revision.ts'

/**
 * Deploys the revision that serves once more, or the newest of a server that never went live; with `number` that one, which is the
 * way to try a failed deployment again. A stopped server runs once it is live. Throws AppError NOT_FOUND, CONFLICT, DEPLOYMENT_IN_PROGRESS, TOOLBOX_NOT_ACTIVE, TOOLBOX_FULL.
 */
export async function redeployServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: RedeployServer
}): Promise<RedeployAnswer> {
  return changeRevision(ctx, input.id, async ({ db, current, deploy }) => {
    const { number = current.number } = input
    const revision = number === current.number ? current : await loadRevision(db, input.id, number)
    return deploy({ action: 'server.redeploy', revision, detail: {} })
  })
}
