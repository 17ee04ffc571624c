import { DtmaError } from '#server/dtma/errors.ts'
import { convergeInstance } from '#server/instances/converge.ts'
import { observeServer } from '#server/mcp-servers/observe.ts'
import { type Claim, underClaim } from './claim.ts'
import { announce } from './transition.ts'

/** Removes what a failed attempt left on its toolbox. True once the toolbox has confirmed that nothing is left; false: come again. */
export async function cleanUp(
  claim: Claim,
  deployment: { id: string; serverId: string; instanceId: string | null },
): Promise<boolean> {
  let gone = deployment.instanceId === null
  if (deployment.instanceId !== null) {
    try {
      const status = await convergeInstance(deployment.instanceId, { wait: false })
      gone = status === null || status.state === 'absent'
    } catch (error) {
      if (!(error instanceof DtmaError)) throw error
      // Removal must not stop for ever; the sweep brings the deployment back until the toolbox answers.
      return false
    }
  }
  if (!gone) return false
  await underClaim(claim, async (db) => {
    await db.deployment.updateMany({
      where: { id: deployment.id, cleanedUpAt: null },
      data: { cleanedUpAt: new Date() },
    })
    await announce(db, deployment, { cleanedUp: true })
    await observeServer(db, deployment.serverId)
  })
  return true
}
