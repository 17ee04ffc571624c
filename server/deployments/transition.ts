import type { DeploymentState } from '#contracts/deployments.ts'
import type { Failure } from '#contracts/errors.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'

export const DEPLOYMENT_MOVES: Readonly<Record<DeploymentState, readonly DeploymentState[]>> = {
  queued: ['preparing', 'failed', 'cancelled', 'rolled_back'],
  preparing: ['starting', 'probing', 'failed', 'cancelled', 'rolled_back'],
  starting: ['probing', 'failed', 'cancelled', 'rolled_back'],
  probing: ['live', 'failed', 'cancelled', 'rolled_back'],
  live: [],
  failed: [],
  cancelled: [],
  rolled_back: [],
}
export const IN_PROGRESS = ['queued', 'preparing', 'starting', 'probing'] as const satisfies DeploymentState[]

type Extra = Omit<Prisma.DeploymentUncheckedUpdateManyInput, 'state' | 'finishedAt' | 'failure'>

/** Moves a deployment by a conditional update, and keeps when each step began and ended. False: it was somewhere else already. */
export async function moveDeployment(
  db: Db,
  deployment: { id: string; serverId: string },
  to: DeploymentState,
  { failure, ...extra }: Extra & { failure?: Failure } = {},
): Promise<boolean> {
  const from = (Object.keys(DEPLOYMENT_MOVES) as DeploymentState[]).filter((state) =>
    DEPLOYMENT_MOVES[state].includes(to),
  )
  const ended = DEPLOYMENT_MOVES[to].length === 0
  const { count } = await db.deployment.updateMany({
    where: { id: deployment.id, state: { in: from } },
    data: {
      phase: null,
      ...extra,
      ...(failure && { failure }),
      state: to,
      ...(ended && { finishedAt: new Date() }),
    },
  })
  if (count === 0) return false
  await notePhase(db, deployment.id, to, typeof extra.phase === 'string' ? extra.phase : null, ended)
  await announce(db, deployment, { state: to, ...(failure && { code: failure.code }) })
  return true
}

/** Notes a step of the toolbox within the same state. */
export async function setPhase(
  db: Db,
  deployment: { id: string; serverId: string; state: DeploymentState; phase: string | null },
  phase: string | null,
): Promise<void> {
  if (phase === deployment.phase) return
  await db.deployment.updateMany({ where: { id: deployment.id, state: deployment.state }, data: { phase } })
  await notePhase(db, deployment.id, deployment.state, phase, false)
  await announce(db, deployment, { state: deployment.state, phase })
}

export async function announce(
  db: Db,
  deployment: { id: string; serverId: string },
  data: Record<string, unknown>,
): Promise<void> {
  await emit(db, {
    type: 'deployment.updated',
    subjectId: deployment.id,
    serverId: deployment.serverId,
    audience: ['admins'],
    data,
  })
}

export async function notePhase(
  db: Db,
  deploymentId: string,
  state: DeploymentState,
  phase: string | null,
  ended: boolean,
): Promise<void> {
  await db.$executeRaw`UPDATE deployment_phases SET ended_at = clock_timestamp() WHERE deployment_id = ${deploymentId}::uuid AND ended_at IS NULL`
  await db.$executeRaw`INSERT INTO deployment_phases (deployment_id, state, phase, ended_at)
    VALUES (${deploymentId}::uuid, ${state}::deployment_state, ${phase}, CASE WHEN ${ended} THEN clock_timestamp() END)`
}
