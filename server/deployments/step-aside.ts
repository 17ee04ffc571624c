import type { DeploymentState } from '#contracts/deployments.ts'
import { convergeInstance } from '#server/instances/converge.ts'
import { type Claim, underClaim } from './claim.ts'
import { RevisionSpec } from './spec.ts'
import { moveDeployment, setPhase } from './transition.ts'

const STOPPING = 'Stopping the instance that serves'
const AT_REST: ReadonlySet<string> = new Set(['stopped', 'exited', 'failed', 'absent'])

interface Waiting {
  id: string
  serverId: string
  state: DeploymentState
  phase: string | null
  revision: { spec: unknown }
}

/**
 * Before a revision with declared data starts, every other instance of the server has to stand still: two never write the same
 * data. The live one is stopped, so that it can serve again; others are not wanted any more. True once the toolbox has confirmed
 * all of it, and at once for a revision that starts beside. Throws DtmaError, LaneFull.
 */
export async function stepAside(claim: Claim, deployment: Waiting): Promise<boolean> {
  if (RevisionSpec.parse(deployment.revision.spec).rollout === 'beside') return true
  const others = await underClaim(claim, async (db) => {
    const { liveInstanceId } = await db.mcpServer.findUniqueOrThrow({
      where: { id: deployment.serverId },
      select: { liveInstanceId: true },
    })
    const there = { serverId: deployment.serverId, goneAt: null, accepted: true }
    const rows = await db.instance.findMany({ where: there, select: { id: true, desired: true } })
    if (rows.length === 0) return []
    if (deployment.state === 'queued') await moveDeployment(db, deployment, 'preparing', { phase: STOPPING })
    const { fence } = claim
    for (const { id, desired } of rows) {
      const rest = id === liveInstanceId ? 'stopped' : 'absent'
      if (desired !== rest && desired !== 'absent')
        await db.instance.update({
          where: { id },
          data: { desired: rest, fence, drainUntil: null, observed: 'unknown' },
        })
    }
    return rows
  })
  let resting = true
  for (const { id } of others) {
    const status = await convergeInstance(id, { wait: false })
    if (status !== null && !AT_REST.has(status.state)) resting = false
  }
  if (!resting) await underClaim(claim, (db) => setPhase(db, { ...deployment, state: 'preparing' }, STOPPING))
  return resting
}
