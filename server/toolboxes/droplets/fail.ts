import type { Failure } from '#contracts/errors.ts'
import { recordAudit } from '#server/audit/record.ts'
import { systemCtx } from '#server/context.ts'
import { moveToolbox } from '#server/toolboxes/transition.ts'
import { type DropletClaim, dropletActor, underDropletClaim } from './claim.ts'
import type { DropletRow } from './load.ts'
import { moveDroplet } from './transition.ts'

/**
 * Ends an attempt with its cause: the toolbox says why, its token is worthless, and whatever was made shall be destroyed. False: its
 * toolbox is in use, or being deleted, and nothing was changed.
 */
export async function failDroplet(claim: DropletClaim, row: DropletRow, failure: Failure): Promise<boolean> {
  const { toolboxId } = row
  return underDropletClaim(claim, async (db) => {
    // First, and only from where it is not in use: it may have become active this very moment.
    if (!(await moveToolbox(db, toolboxId, 'failed', failure))) return false
    await moveDroplet(db, toolboxId, 'destroying')
    await db.toolboxEnrollment.deleteMany({ where: { toolboxId, usedAt: null } })
    await recordAudit(
      db,
      { ...systemCtx('droplet'), actor: dropletActor },
      {
        action: 'droplet.failed',
        subjectType: 'toolbox',
        subjectId: toolboxId,
        detail: { code: failure.code, step: row.step, dropletId: row.dropletId },
      },
    )
    return true
  })
}
