import type { Deployment } from '#contracts/deployments.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { fetchServer } from '#server/mcp-servers/fetch.ts'
import { DEPLOYMENT_INCLUDE, deploymentView } from './view.ts'

/** The last deployments of a server that are shown. */
export const SHOWN = 20

/** Newest first. Throws AppError NOT_FOUND. */
export async function listDeployments({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<Deployment[]> {
  return withActor(ctx.actor, async (db) => {
    await fetchServer(db, input.id)
    const rows = await db.deployment.findMany({
      where: { serverId: input.id },
      orderBy: { createdAt: 'desc' },
      take: SHOWN,
      include: DEPLOYMENT_INCLUDE,
    })
    return rows.map(deploymentView)
  })
}
