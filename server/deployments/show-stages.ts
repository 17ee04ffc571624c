import { PROBE_STAGE_LABELS } from '#contracts/probe.ts'
import type { StageReport } from '#mcp/probe-stages.ts'
import { logger } from '#server/logger.ts'
import { type Claim, ClaimLost, underClaim } from './claim.ts'
import { setPhase } from './transition.ts'

/**
 * Shows the stages of a probe as phases of its deployment, each once however often the probe is repeated: one write at a time, in
 * their order, beside the probe. `settled` is when all are written.
 */
export function showStages(claim: Claim, id: string) {
  let writing: Promise<unknown> = Promise.resolve()
  async function write(phase: string): Promise<void> {
    await underClaim(claim, async (db) => {
      const deployment = await db.deployment.findFirst({
        where: { id, state: 'probing', phases: { none: { phase } } },
        select: { id: true, serverId: true, state: true, phase: true },
      })
      if (deployment) await setPhase(db, deployment, phase)
    })
  }
  return {
    onStage: (report: StageReport): void => {
      if (report.state !== 'running') return
      writing = writing
        .then(() => write(PROBE_STAGE_LABELS[report.name]))
        .catch((error: unknown) => {
          // What follows finds out by itself that the claim is gone.
          if (!(error instanceof ClaimLost))
            logger.warn({ err: error, deploymentId: id }, 'a stage was not shown')
        })
    },
    settled: () => writing,
  }
}
