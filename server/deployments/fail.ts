import type { LogLine } from '#contracts/dtma.ts'
import type { Failure } from '#contracts/errors.ts'
import { recordAudit } from '#server/audit/record.ts'
import { actorName, systemCtx } from '#server/context.ts'
import type { Db } from '#server/db/with-actor.ts'
import { LaneFull } from '#server/dtma/bulkhead.ts'
import { getLogs } from '#server/dtma/client.ts'
import { observeServer } from '#server/mcp-servers/observe.ts'
import { moveServer } from '#server/mcp-servers/transition.ts'
import { type Claim, underClaim } from './claim.ts'
import { moveDeployment } from './transition.ts'

/** Kept of a failed start's log. */
const LOG_TAIL = 200

interface Ending {
  id: string
  serverId: string
  instanceId: string | null
  instance: {
    accepted: boolean
    toolbox: { id: string; url: string | null; certificate: string | null }
  } | null
}

/**
 * Ends a deployment with its cause: keeps the last log lines (before the instance is removed), wants its instance gone, and lets
 * the server say so. The live instance, if there is one, goes on serving.
 */
export async function failDeployment(
  claim: Claim,
  deployment: Ending,
  failure: Failure,
  state: 'failed' | 'cancelled',
): Promise<void> {
  const logTail = await keepLogs(deployment)
  const ctx = systemCtx('provision')
  await underClaim(claim, async (db) => {
    const nothingToRemove = !(await mayBeOnToolbox(db, deployment.instanceId))
    const moved = await moveDeployment(db, deployment, state, {
      failure,
      logTail,
      ...(nothingToRemove && { cleanedUpAt: new Date() }),
    })
    if (!moved) return
    if (deployment.instanceId)
      await db.instance.updateMany({
        where: { id: deployment.instanceId },
        data: { desired: 'absent', fence: claim.fence, ...(nothingToRemove && { goneAt: new Date() }) },
      })
    const server = await db.mcpServer.findUniqueOrThrow({
      where: { id: deployment.serverId },
      select: { liveInstanceId: true },
    })
    if (state === 'failed' && !server.liveInstanceId)
      await moveServer(db, deployment.serverId, { failureCode: failure.code })
    await observeServer(db, deployment.serverId)
    await recordAudit(db, ctx, {
      action: `deployment.${state}`,
      subjectType: 'deployment',
      subjectId: deployment.id,
      detail: { serverId: deployment.serverId, code: failure.code, by: actorName(ctx.actor) },
    })
  })
}

/** Whether the toolbox may have been told of the instance. Read anew and locked: another worker may be about to tell it. */
async function mayBeOnToolbox(db: Db, instanceId: string | null): Promise<boolean> {
  if (instanceId === null) return false
  const [row] = await db.$queryRaw<
    { accepted: boolean }[]
  >`SELECT accepted FROM instances WHERE id = ${instanceId}::uuid FOR UPDATE`
  return row?.accepted ?? false
}

async function keepLogs(deployment: Ending): Promise<LogLine[]> {
  const toolbox = deployment.instance?.toolbox
  if (!deployment.instanceId || !deployment.instance?.accepted || !toolbox?.url || !toolbox.certificate)
    return []
  try {
    return await getLogs(
      { id: toolbox.id, url: toolbox.url, certificate: toolbox.certificate },
      deployment.instanceId,
      LOG_TAIL,
      { wait: false },
    )
  } catch (error) {
    if (error instanceof LaneFull) throw error
    // The cause is known without the log; a toolbox that is away keeps the deployment from ending no longer than one call.
    return []
  }
}
