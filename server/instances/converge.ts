import type { InstanceStatus } from '#contracts/instances.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { loadInstanceSpec } from '#server/deployments/spec.ts'
import { type CallOptions, putInstance, type ToolboxAddress } from '#server/dtma/client.ts'
import { DtmaError } from '#server/dtma/errors.ts'
import { recordInstanceStatus } from './record-statuses.ts'

const actor = systemCtx('converge').actor

/**
 * Makes the agent's instance what its row says. The one function that changes anything on a toolbox: it sends the row's own
 * desired state and fence, so a caller that has lost its claim can only repeat what was already decided. Answers the agent's
 * status, or null when there is nothing to do. Throws DtmaError, and LaneFull when told not to wait.
 */
export async function convergeInstance(
  instanceId: string,
  options?: CallOptions,
): Promise<InstanceStatus | null> {
  const facts = await withActor(actor, async (db) => {
    // Before the call, which may arrive although its answer does not; and only while nobody has given the instance up, since
    // whoever does counts on nothing having been sent.
    await db.instance.updateMany({
      where: { id: instanceId, accepted: false, goneAt: null },
      data: { accepted: true },
    })
    const row = await db.instance.findUnique({
      where: { id: instanceId },
      include: { toolbox: true, server: { select: { desired: true } } },
    })
    if (!row || row.goneAt) return null
    const spec =
      row.desired === 'absent' ? undefined : await loadInstanceSpec(db, row.revisionId, row.imageDigest)
    return { row, spec }
  })
  if (!facts) return null
  const { row, spec } = facts
  const { url, certificate } = row.toolbox
  if (!url || !certificate)
    throw new DtmaError('TOOLBOX_UNREACHABLE', `${row.toolbox.name} has no address yet`)
  const toolbox: ToolboxAddress = { id: row.toolboxId, url, certificate }
  const wanted = {
    desired: row.desired,
    fence: row.fence,
    ...(row.restartNonce && { restartNonce: row.restartNonce }),
    ...(spec && { spec }),
    ...(row.server.desired === 'deleted' && { deleteDataOf: row.serverId }),
  }
  const status = await putInstance(toolbox, instanceId, wanted, options)
  await withActor(actor, async (db) => {
    const current = await db.instance.findUnique({ where: { id: instanceId } })
    if (current) await recordInstanceStatus(db, current, status)
  })
  return status
}
