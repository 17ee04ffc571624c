import { Heartbeat, type HeartbeatResponse, PROTOCOL_VERSIONS } from '#contracts/dtma.ts'
import { negotiateProtocol } from '#protocol/versions.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { recordInstanceStatuses } from '#server/instances/record-statuses.ts'
import { IngressError } from './ingress-error.ts'
import { recordMetrics } from './metrics.ts'
import { recordRefusal } from './refusal.ts'
import { observeServersOn } from './sync.ts'
import { reviveToolbox } from './transition.ts'
import { followUpgrade } from './upgrade.ts'

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
  const actor = systemCtx('heartbeat').actor
  if (!agreed.ok) {
    await recordRefusal(toolboxId, agreed.message)
    throw new IngressError(426, 'PROTOCOL_UNSUPPORTED', agreed.message, {
      protocolVersions: [...PROTOCOL_VERSIONS],
    })
  }
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
        agentBuild: beat.agentBuild,
        protocolVersion: beat.protocolVersion,
        ...(beat.driver && { driver: beat.driver }),
        ...(beat.isolation && { isolation: beat.isolation }),
      },
    })
    if (count > 0) {
      await recordMetrics(db, toolboxId, beat.host)
      await followUpgrade(db, toolboxId, beat)
      const { state } = await db.toolbox.findUniqueOrThrow({
        where: { id: toolboxId },
        select: { state: true },
      })
      const revived = state === 'unreachable' && (await reviveToolbox(db, toolboxId))
      await recordInstanceStatuses(db, toolboxId, beat.instances)
      if (revived) await observeServersOn(db, toolboxId)
    }
    const wanted = await db.instance.findMany({
      where: { toolboxId, goneAt: null, accepted: true },
      select: {
        id: true,
        desired: true,
        fence: true,
        restartNonce: true,
        serverId: true,
        server: { select: { desired: true } },
      },
    })
    return {
      instances: wanted.map(({ restartNonce, serverId, server, ...instance }) => ({
        ...instance,
        ...(restartNonce && { restartNonce }),
        ...(server.desired === 'deleted' && { deleteDataOf: serverId }),
      })),
    }
  })
}
