import type { Failure } from '#contracts/errors.ts'
import { recordAudit } from '#server/audit/record.ts'
import { systemCtx } from '#server/context.ts'
import { moveToolbox } from '#server/toolboxes/transition.ts'
import { type DropletClaim, dropletActor, underDropletClaim } from './claim.ts'
import type { DropletRow } from './load.ts'
import { moveDroplet } from './transition.ts'

/** Ends an attempt with its cause: the toolbox says why, its token is worthless, and whatever was made shall be destroyed. */
export async function failDroplet(claim: DropletClaim, row: DropletRow, failure: Failure): Promise<void> {
  const { toolboxId } = row
  await underDropletClaim(claim, async (db) => {
    if (!(await moveDroplet(db, toolboxId, 'destroying'))) return
    await db.toolboxEnrollment.deleteMany({ where: { toolboxId, usedAt: null } })
    await moveToolbox(db, toolboxId, 'failed', failure)
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
  })
}
