import { Heartbeat, type HeartbeatResponse, PROTOCOL_VERSIONS } from '#contracts/dtma.ts'
import { negotiateProtocol } from '#protocol/versions.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { recordInstanceStatuses } from '#server/instances/record-statuses.ts'
import { IngressError } from './ingress-error.ts'
import { observeServersOn } from './sync.ts'
import { moveToolbox } from './transition.ts'

/**
 * Takes in what an agent says of itself and its instances, and answers what is wanted of it. A heartbeat always revives an
 * unreachable toolbox. One that is older than the newest seen changes nothing. Throws IngressError.
 */
export async function heartbeat({
  toolboxId,
  input,
}: {
  toolboxId: string
  input: unknown
}): Promise<HeartbeatResponse> {
  const parsed = Heartbeat.safeParse(input)
  if (!parsed.success)
    throw new IngressError(
      400,
      'BAD_REQUEST',
      parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
    )
  const beat = parsed.data
  if (beat.toolboxId !== toolboxId)
    throw new IngressError(403, 'FORBIDDEN', 'An agent speaks for its own toolbox only.')
  const agreed = negotiateProtocol([beat.protocolVersion])
  if (!agreed.ok)
    throw new IngressError(426, 'PROTOCOL_UNSUPPORTED', agreed.message, {
      protocolVersions: [...PROTOCOL_VERSIONS],
    })
  const actor = systemCtx('heartbeat').actor
  return withActor(actor, async (db) => {
    const { count } = await db.toolbox.updateMany({
      where: {
        id: toolboxId,
        OR: [{ bootId: null }, { bootId: { not: beat.bootId } }, { sequence: { lt: beat.sequence } }],
      },
      data: {
        bootId: beat.bootId,
        sequence: beat.sequence,
        lastHeartbeatAt: new Date(),
        host: beat.host,
        agentVersion: beat.agentVersion,
        protocolVersion: beat.protocolVersion,
      },
    })
    if (count > 0) {
      const state = await db.toolbox.findUniqueOrThrow({ where: { id: toolboxId }, select: { state: true } })
      const revived = state.state === 'unreachable' && (await moveToolbox(db, toolboxId, 'active'))
      await recordInstanceStatuses(db, toolboxId, beat.instances)
      if (revived) await observeServersOn(db, toolboxId)
    }
    const wanted = await db.instance.findMany({
      where: { toolboxId, goneAt: null, accepted: true },
      select: { id: true, desired: true, fence: true, restartNonce: true },
    })
    return {
      instances: wanted.map(({ restartNonce, ...instance }) =>
        restartNonce ? { ...instance, restartNonce } : instance,
      ),
    }
  })
}
