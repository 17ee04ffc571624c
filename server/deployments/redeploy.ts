import type { RedeployAnswer, RedeployServer } from '#contracts/deployments.ts'
import type { UserCtx } from '#server/context.ts'
import { changeRevision } from './change-revision.ts'
import { loadRevision } from './revision.ts'

/**
 * Deploys the revision that serves once more, or the newest of a server that never went live; with `number` that one, which is the
 * way to try a failed deployment again; with `toolboxId` there, and it moves once it is live. A stopped server runs then. Throws
 * AppError NOT_FOUND, CONFLICT, DEPLOYMENT_IN_PROGRESS, TOOLBOX_…, DATA_CANNOT_MOVE.
 */
export async function redeployServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: RedeployServer
}): Promise<RedeployAnswer> {
  const { id, number: asked, toolboxId } = input
  return changeRevision(
    ctx,
    id,
    async ({ db, current, deploy }) => {
      const number = asked ?? current.number
      const revision = number === current.number ? current : await loadRevision(db, id, number)
      return deploy({ action: 'server.redeploy', revision, detail: {} })
    },
    { toolboxId },
  )
}
