import type { InstanceAssignment } from '#contracts/dtma.ts'
import { Id } from '#contracts/names.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { loadInstanceSpec } from '#server/deployments/spec.ts'
import { IngressError } from './ingress-error.ts'

/** The spec of an instance, for the agent of its own toolbox only. Throws IngressError NOT_FOUND, also for another toolbox's. */
export async function getAssignment({
  toolboxId,
  instanceId,
}: {
  toolboxId: string
  instanceId: string
}): Promise<InstanceAssignment> {
  const id = Id.safeParse(instanceId)
  return withActor(systemCtx('assignment').actor, async (db) => {
    const row = id.success
      ? await db.instance.findFirst({ where: { id: id.data, toolboxId, goneAt: null } })
      : null
    if (!row) throw new IngressError(404, 'NOT_FOUND', 'This toolbox has no such instance.')
    const spec = await loadInstanceSpec(db, row.revisionId, row.imageDigest)
    return {
      id: row.id,
      desired: row.desired,
      fence: row.fence,
      ...(row.restartNonce && { restartNonce: row.restartNonce }),
      spec,
    }
  })
}
