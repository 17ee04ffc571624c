import { type Claim, underClaim } from './claim.ts'
import { moveDeployment } from './transition.ts'

/** Writes the instance that this deployment wants; the convergence function tells the toolbox. */
export async function startInstance(
  claim: Claim,
  deployment: { id: string; serverId: string; revisionId: string; toolboxId: string | null },
): Promise<void> {
  await underClaim(claim, async (db) => {
    const server = await db.mcpServer.findUniqueOrThrow({
      where: { id: deployment.serverId },
      select: { toolboxId: true },
    })
    const attempts = await db.instance.count({
      where: { serverId: deployment.serverId, revisionId: deployment.revisionId },
    })
    const { imageDigest } = await db.revision.findUniqueOrThrow({
      where: { id: deployment.revisionId },
      select: { imageDigest: true },
    })
    const instance = await db.instance.create({
      data: {
        serverId: deployment.serverId,
        revisionId: deployment.revisionId,
        toolboxId: deployment.toolboxId ?? server.toolboxId,
        attempt: attempts + 1,
        fence: claim.fence,
        imageDigest,
      },
      select: { id: true },
    })
    // One that had to wait for the others to stand still is there already.
    if (!(await moveDeployment(db, deployment, 'preparing', { instanceId: instance.id })))
      await db.deployment.update({ where: { id: deployment.id }, data: { instanceId: instance.id } })
  })
}
