import type { Failure } from '#contracts/errors.ts'
import type { InstanceStatus } from '#contracts/instances.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { msUntilWorthAsking } from '#server/dtma/breaker.ts'
import { LaneFull } from '#server/dtma/bulkhead.ts'
import { DtmaError } from '#server/dtma/errors.ts'
import { toFailure } from '#server/errors.ts'
import { convergeInstance } from '#server/instances/converge.ts'
import { bringBack } from './bring-back.ts'
import { type Claim, ClaimLost, claimServer, releaseClaim, underClaim } from './claim.ts'
import { cleanUp } from './clean-up.ts'
import { failDeployment } from './fail.ts'
import { goLive } from './go-live.ts'
import { startInstance } from './start-instance.ts'
import { stepAside } from './step-aside.ts'
import { moveDeployment, setPhase } from './transition.ts'

/** What a step says to the queue: come again after so many milliseconds, or nothing is left to do. */
export type Step = { again: number } | 'done'

const POLL_MS = 400
const HELD_MS = 1_000
/** Many may wait for a toolbox that is away; each look costs a few transactions. */
const AWAY_MS = 2_000
const CLEANUP_MS = 1_000
/** A toolbox that a deployment has waited for so long has failed it. */
const UNREACHABLE_AFTER_MS = 45_000
const WAITING = 'Waiting for the toolbox'

const actor = systemCtx('provision').actor

export type DeploymentRow = NonNullable<Awaited<ReturnType<typeof loadDeployment>>>

/**
 * One step of a deployment: takes the server's lease, does what is next, gives the lease back. Idempotent by the state of the
 * rows, so it does not matter how often or by whom it is called.
 */
export async function advanceDeployment({ deploymentId }: { deploymentId: string }): Promise<Step> {
  const before = await loadDeployment(deploymentId)
  if (!before || isSettled(before)) return 'done'
  const pause = pauseOf(before)
  if (pause > 0) return { again: jittered(pause) }
  const claim = await claimServer(before.serverId)
  if (!claim) return { again: HELD_MS }
  try {
    // Read again under the claim: the state may have moved while somebody else held it.
    const deployment = await loadDeployment(deploymentId)
    return deployment && !isSettled(deployment) ? await step(claim, deployment) : 'done'
  } catch (error) {
    if (error instanceof LaneFull) return { again: jittered(POLL_MS) }
    if (error instanceof ClaimLost) return { again: HELD_MS }
    throw error
  } finally {
    await releaseClaim(claim)
  }
}

/** Many may wait for one toolbox that is away: they look at its breaker rather than ask, which would cost others' time. */
function pauseOf(deployment: DeploymentRow): number {
  const { id, url, certificate } = deployment.instance?.toolbox ?? {}
  if (!id || !url || !certificate || reasonToStop(deployment)) return 0
  const waiting = deployment.phases.find(({ phase }) => phase === WAITING)
  if (waiting && Date.now() - waiting.startedAt.getTime() >= UNREACHABLE_AFTER_MS) return 0
  return msUntilWorthAsking({ id, url, certificate }, waiting !== undefined || deployment.finishedAt !== null)
}

/** From so many milliseconds to twice as many, so that those that wait for the same do not all come at once. */
function jittered(ms: number): number {
  return Math.round(ms * (1 + Math.random()))
}

async function step(claim: Claim, deployment: DeploymentRow): Promise<Step> {
  if (deployment.finishedAt)
    return (await cleanUp(claim, deployment)) ? 'done' : { again: jittered(CLEANUP_MS) }
  const stop = reasonToStop(deployment)
  if (stop) return fail(claim, deployment, stop.failure, stop.state)
  if (deployment.failure !== null)
    return (await bringBack(claim, deployment)) ? { again: CLEANUP_MS } : { again: POLL_MS }
  if (!deployment.instanceId) {
    try {
      if (!(await stepAside(claim, deployment))) return { again: POLL_MS }
    } catch (error) {
      if (!(error instanceof DtmaError)) throw error
      // It may have begun to prepare before the toolbox was asked.
      return afterDtmaError(claim, (await loadDeployment(deployment.id)) ?? deployment, error)
    }
    await startInstance(claim, deployment)
  }
  const current = deployment.instanceId ? deployment : await loadDeployment(deployment.id)
  if (!current?.instanceId) return { again: POLL_MS }
  let status: InstanceStatus | null
  try {
    status = await convergeInstance(current.instanceId, { wait: false })
  } catch (error) {
    if (error instanceof DtmaError) return afterDtmaError(claim, current, error)
    throw error
  }
  return status ? follow(claim, current, status) : { again: POLL_MS }
}

/** Lets the deployment follow what the toolbox says. */
async function follow(claim: Claim, deployment: DeploymentRow, status: InstanceStatus): Promise<Step> {
  if (status.state === 'running') {
    if (deployment.state !== 'probing')
      await underClaim(claim, (db) => moveDeployment(db, deployment, 'probing'))
    const verdict = await goLive(claim, deployment)
    if (verdict === 'live') return 'done'
    return verdict === 'again' ? { again: POLL_MS } : fail(claim, deployment, verdict)
  }
  if (status.state === 'failed' || status.state === 'exited' || status.state === 'backoff') {
    const { error, exitCode } = status
    return fail(
      claim,
      deployment,
      toFailure(error?.code ?? 'SERVER_EXITED', {
        detail: error?.detail ?? null,
        variable: error?.variable ?? null,
        exitCode,
      }),
    )
  }
  await underClaim(claim, async (db) => {
    if (status.state === 'starting' && deployment.state === 'preparing')
      await moveDeployment(db, deployment, 'starting', { phase: status.phase })
    else await setPhase(db, deployment, status.phase)
  })
  return { again: POLL_MS }
}

async function afterDtmaError(claim: Claim, deployment: DeploymentRow, error: DtmaError): Promise<Step> {
  // Somebody with a higher fence has spoken to the agent; the rows will say what.
  if (error.agentCode === 'STALE_FENCE') return { again: HELD_MS }
  const definitive = error.code === 'TOOLBOX_REFUSED' || error.code === 'TLS_FAILED'
  // Counted from the first try that failed: no worker may have asked for a while.
  const waiting = deployment.phases.find(({ phase }) => phase === WAITING)
  if (!definitive && (!waiting || Date.now() - waiting.startedAt.getTime() < UNREACHABLE_AFTER_MS)) {
    await underClaim(claim, (db) => setPhase(db, deployment, WAITING))
    return { again: jittered(AWAY_MS) }
  }
  return fail(claim, deployment, toFailure(error.code, { detail: error.message }))
}

async function fail(
  claim: Claim,
  deployment: DeploymentRow,
  failure: Failure,
  state: 'failed' | 'cancelled' = 'failed',
): Promise<Step> {
  await failDeployment(claim, deployment, failure, state)
  const ended = await loadDeployment(deployment.id)
  if (!ended || isSettled(ended)) return 'done'
  if (!ended.finishedAt) return { again: POLL_MS }
  return (await cleanUp(claim, ended)) ? 'done' : { again: CLEANUP_MS }
}

function reasonToStop(deployment: DeploymentRow): { failure: Failure; state: 'failed' | 'cancelled' } | null {
  const deleted = deployment.server.desired === 'deleted' || deployment.server.deletedAt
  if (deleted || (deployment.cancelRequested && deployment.failure === null))
    return { failure: toFailure('SUPERSEDED'), state: 'cancelled' }
  if (deployment.failure === null && deployment.deadlineAt.getTime() < Date.now())
    return { failure: toFailure('DEPLOYMENT_TIMED_OUT', { detail: deployment.phase }), state: 'failed' }
  return null
}

/** Nothing is left to do: live, or ended with everything of it gone. */
function isSettled(deployment: DeploymentRow): boolean {
  return deployment.finishedAt !== null && (deployment.state === 'live' || deployment.cleanedUpAt !== null)
}

async function loadDeployment(id: string) {
  return withActor(actor, async (db) => {
    await db.$executeRaw`UPDATE deployments SET touched_at = clock_timestamp()
      WHERE id = ${id}::uuid AND (finished_at IS NULL OR (state <> 'live' AND cleaned_up_at IS NULL))`
    return db.deployment.findUnique({
      where: { id },
      include: {
        server: { select: { desired: true, deletedAt: true, liveInstanceId: true } },
        instance: { include: { toolbox: true } },
        revision: { select: { spec: true } },
        phases: { where: { endedAt: null }, select: { phase: true, startedAt: true } },
      },
    })
  })
}
