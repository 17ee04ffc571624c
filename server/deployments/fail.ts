import type { ConfigurationChanges, DeploymentState } from '#contracts/deployments.ts'
import type { LogLine } from '#contracts/dtma.ts'
import type { Failure } from '#contracts/errors.ts'
import { recordAudit } from '#server/audit/record.ts'
import { actorName, systemCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'
import { LaneFull } from '#server/dtma/bulkhead.ts'
import { getLogs } from '#server/dtma/client.ts'
import { observeServer } from '#server/mcp-servers/observe.ts'
import { moveServer } from '#server/mcp-servers/transition.ts'
import { BRINGING_BACK } from './bring-back.ts'
import { changesSinceLive } from './changes-since-live.ts'
import { type Claim, underClaim } from './claim.ts'
import { loadPrevious, type Previous } from './previous.ts'
import { pruneRevisions } from './prune.ts'
import { moveDeployment, setPhase } from './transition.ts'

/** Kept of a failed start's log. */
const LOG_TAIL = 200

interface Ending {
  id: string
  serverId: string
  revisionId: string
  state: DeploymentState
  phase: string | null
  instanceId: string | null
  instance: {
    accepted: boolean
    toolbox: { id: string; url: string | null; certificate: string | null }
  } | null
}

/**
 * Ends a deployment with its cause: keeps the last log lines (before the instance is removed) and what was changed since the
 * revision that went live last, wants its instance gone, and lets the server say so. What served before goes on serving, and then
 * the deployment is `rolled_back`; when it was stopped for this one, the deployment goes on until it has been brought back.
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
    const changes = state === 'cancelled' ? null : await changesSinceLive(db, deployment)
    const known = { failure, logTail, ...(changes && { changes }) }
    const previous = await loadPrevious(db, deployment.serverId)
    if (previous?.suspended) {
      await beginWayBack(db, deployment, previous, known)
      await giveUp(db, claim, deployment.instanceId, nothingToRemove)
      return
    }
    // Where the new one could not be reached, the old one cannot be either.
    const cutOff =
      failure.code === 'TOOLBOX_UNREACHABLE' && deployment.instance?.toolbox.id === previous?.toolboxId
    const serves = previous?.serves === true && !cutOff
    const ending = state === 'failed' && serves ? 'rolled_back' : state
    const moved = await moveDeployment(db, deployment, ending, {
      ...known,
      ...(nothingToRemove && { cleanedUpAt: new Date() }),
    })
    if (!moved) return
    await giveUp(db, claim, deployment.instanceId, nothingToRemove)
    if (state === 'failed' && !previous)
      await moveServer(db, deployment.serverId, { failureCode: failure.code })
    await observeServer(db, deployment.serverId)
    await pruneRevisions(db, deployment.serverId)
    await recordAudit(db, ctx, {
      action: `deployment.${ending}`,
      subjectType: 'deployment',
      subjectId: deployment.id,
      detail: { serverId: deployment.serverId, code: failure.code, by: actorName(ctx.actor) },
    })
  })
}

/** Not ended yet: the cause is shown while what served before is started again. */
async function beginWayBack(
  db: Db,
  deployment: Ending,
  previous: Previous,
  known: { failure: Failure; logTail: LogLine[]; changes?: ConfigurationChanges },
): Promise<void> {
  await db.deployment.updateMany({
    where: { id: deployment.id, finishedAt: null, failure: { equals: Prisma.DbNull } },
    data: known,
  })
  await setPhase(db, deployment, `${BRINGING_BACK} ${previous.revisionNumber}`)
}

async function giveUp(
  db: Db,
  claim: Claim,
  instanceId: string | null,
  nothingToRemove: boolean,
): Promise<void> {
  if (instanceId)
    await db.instance.update({
      where: { id: instanceId },
      data: { desired: 'absent', fence: claim.fence, ...(nothingToRemove && { goneAt: new Date() }) },
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
