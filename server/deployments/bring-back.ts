import type { Failure } from '#contracts/errors.ts'
import { recordAudit } from '#server/audit/record.ts'
import { systemCtx } from '#server/context.ts'
import type { Db } from '#server/db/with-actor.ts'
import { DtmaError } from '#server/dtma/errors.ts'
import { probeInstance } from '#server/dtma/probe-instance.ts'
import { convergeInstance } from '#server/instances/converge.ts'
import { observeServer } from '#server/mcp-servers/observe.ts'
import { moveServer } from '#server/mcp-servers/transition.ts'
import { asksItsUsers } from './asks-its-users.ts'
import { type Claim, underClaim } from './claim.ts'
import { loadPrevious, type Previous } from './previous.ts'
import { pruneRevisions } from './prune.ts'
import { moveDeployment } from './transition.ts'

export const BRINGING_BACK = 'Bringing back revision'
/** From the failure until what served before has to serve again; after that it is the reconciler's, and the answer says so. */
const WINDOW_MS = 120_000
/** Per stage of a probe. */
const PROBE_STAGE_MS = 5_000

interface Failed {
  id: string
  serverId: string
  instanceId: string | null
  failure: unknown
  phases: readonly { phase: string | null; startedAt: Date }[]
}

/**
 * A step of the way back, after a revision has failed for which the one before was stopped: first the failed instance is gone, then
 * the one before runs and answers a probe, and only then the deployment is said to be rolled back. True when it has ended.
 */
export async function bringBack(claim: Claim, deployment: Failed): Promise<boolean> {
  const previous = await underClaim(claim, (db) => loadPrevious(db, deployment.serverId))
  const begun = deployment.phases.find(({ phase }) => phase?.startsWith(BRINGING_BACK))?.startedAt
  const late = begun !== undefined && Date.now() - begun.getTime() > WINDOW_MS
  let outcome: 'serves' | 'not yet' | 'lost' = previous ? 'not yet' : 'lost'
  let gone = false
  try {
    gone = await isGone(deployment.instanceId)
    if (previous && (gone || late)) outcome = await serveAgain(claim, previous)
  } catch (error) {
    if (!(error instanceof DtmaError)) throw error
  }
  if (outcome === 'not yet' && !late) return false
  await underClaim(claim, (db) => endFailed(db, deployment, { served: outcome === 'serves', gone }))
  return true
}

async function isGone(instanceId: string | null): Promise<boolean> {
  if (instanceId === null) return true
  const status = await convergeInstance(instanceId, { wait: false })
  return status === null || status.state === 'absent'
}

async function serveAgain(claim: Claim, previous: Previous): Promise<'serves' | 'not yet' | 'lost'> {
  const { instanceId } = previous
  await underClaim(claim, (db) =>
    db.instance.updateMany({
      where: { id: instanceId, desired: 'stopped' },
      data: { desired: 'running', fence: claim.fence, observed: 'unknown' },
    }),
  )
  const status = await convergeInstance(instanceId, { wait: false })
  if (status?.state === 'failed' || status?.state === 'exited') return 'lost'
  if (status?.state !== 'running') return 'not yet'
  const toolbox = await underClaim(claim, async (db) => {
    const { toolbox } = await db.instance.findUniqueOrThrow({
      where: { id: instanceId },
      select: { toolbox: { select: { id: true, url: true, certificate: true } } },
    })
    return toolbox
  })
  const { id, url, certificate } = toolbox
  if (!url || !certificate) return 'not yet'
  const probe = await probeInstance({ id, url, certificate }, instanceId, { timeoutMs: PROBE_STAGE_MS })
  if (probe.ok || (await asksItsUsers(instanceId, probe.failure))) return 'serves'
  return probe.failure.definitive ? 'lost' : 'not yet'
}

/** Ends a deployment whose failure is known by what serves now. */
async function endFailed(
  db: Db,
  deployment: Failed,
  { served, gone }: { served: boolean; gone: boolean },
): Promise<void> {
  const failure = deployment.failure as Failure
  const cancelled = failure.code === 'SUPERSEDED'
  const state = cancelled ? 'cancelled' : served ? 'rolled_back' : 'failed'
  const moved = await moveDeployment(db, deployment, state, {
    failure,
    ...(gone && { cleanedUpAt: new Date() }),
  })
  if (!moved) return
  if (!served) await moveServer(db, deployment.serverId, { failureCode: failure.code })
  await observeServer(db, deployment.serverId)
  await pruneRevisions(db, deployment.serverId)
  await recordAudit(db, systemCtx('provision'), {
    action: `deployment.${state}`,
    subjectType: 'deployment',
    subjectId: deployment.id,
    detail: { serverId: deployment.serverId, code: failure.code },
  })
}
