import type { RedeployAnswer } from '#contracts/deployments.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError, isUniqueViolation } from '#server/errors.ts'
import { fetchServer } from '#server/mcp-servers/fetch.ts'
import { observeServer } from '#server/mcp-servers/observe.ts'
import { moveServer } from '#server/mcp-servers/transition.ts'
import { chooseToolbox } from '#server/toolboxes/choose.ts'
import { inTurn } from './in-turn.ts'
import { queueDeployment } from './queue.ts'
import type { ClearHeaders } from './remote-source.ts'
import { type ClearEnv, type LoadedRevision, loadRevision, writeRevision } from './revision.ts'
import { needsOf, type RevisionSpec, sourceKeyOf } from './spec.ts'
import { IN_PROGRESS } from './transition.ts'

type Revision = Pick<LoadedRevision, 'id' | 'number' | 'spec'>

export interface RevisionChange {
  db: Db
  server: Awaited<ReturnType<typeof fetchServer>>
  /** The highest number; it may be one that never went live. */
  newest: Omit<LoadedRevision, 'env' | 'headers'>
  /** What a change starts from: the revision that serves, or the newest when none does. */
  current: LoadedRevision
  /** Writes the next revision. Throws AppError DEPLOYMENT_IN_PROGRESS. */
  write: (
    spec: RevisionSpec,
    rest: { env: ClearEnv; headers: ClearHeaders; imageDigest?: string | null },
  ) => Promise<Revision>
  /** Another toolbox than the one it is on was asked for. */
  moves: boolean
  /** Queues a deployment of the revision, with its audit entry. Throws AppError DEPLOYMENT_IN_PROGRESS, TOOLBOX_…. */
  deploy: (request: {
    action: string
    revision: Revision
    detail: Record<string, unknown>
  }) => Promise<RedeployAnswer>
}

/**
 * One transaction over a server and its revisions: any throw leaves no row. Two admins at once: the second waits, and then sees
 * what the first has done. Throws AppError NOT_FOUND, CONFLICT for a server that is being deleted.
 */
export async function changeRevision<T>(
  ctx: UserCtx,
  serverId: string,
  work: (change: RevisionChange) => Promise<T>,
  options: { toolboxId?: string | undefined } = {},
): Promise<T> {
  try {
    return await inTurn(() =>
      withActor(ctx.actor, async (db) => {
        const { toolboxId } = await fetchServer(db, serverId)
        const target = options.toolboxId ?? toolboxId
        // Toolboxes before servers, as a deploy does, and in the order of their ids.
        await db.$queryRaw`SELECT id FROM toolboxes WHERE id IN (${toolboxId}::uuid, ${target}::uuid) ORDER BY id FOR NO KEY UPDATE`
        await db.$queryRaw`SELECT id FROM mcp_servers WHERE id = ${serverId}::uuid FOR NO KEY UPDATE`
        const server = await fetchServer(db, serverId)
        if (server.desired === 'deleted')
          throw new AppError('CONFLICT', `server ${serverId} is being deleted`, {
            detail: 'The server is being deleted.',
          })
        if (server.toolboxId !== toolboxId)
          throw new AppError('CONFLICT', `server ${serverId} has just moved`)
        const newest = await loadRevision(db, serverId)
        const current = await loadRevision(db, serverId, await liveRevisionNumber(db, server.liveInstanceId))
        return work({
          db,
          server,
          newest,
          current,
          write: async (spec, rest) => {
            await refuseWhileDeploying(db, serverId)
            const number = newest.number + 1
            return { id: await writeRevision(db, serverId, number, spec, rest), number, spec }
          },
          moves: target !== toolboxId,
          deploy: (request) => deploy(db, ctx, { server, target }, request),
        })
      }),
    )
  } catch (error) {
    if (isUniqueViolation(error, 'deployments_one_at_a_time')) throw inProgress(serverId, error)
    throw error
  }
}

async function liveRevisionNumber(db: Db, liveInstanceId: string | null): Promise<number | undefined> {
  if (!liveInstanceId) return undefined
  const { revision } = await db.instance.findUniqueOrThrow({
    where: { id: liveInstanceId },
    select: { revision: { select: { number: true } } },
  })
  return revision.number
}

async function deploy(
  db: Db,
  ctx: UserCtx,
  { server, target }: { server: RevisionChange['server']; target: string },
  { action, revision, detail }: Parameters<RevisionChange['deploy']>[0],
): Promise<RedeployAnswer> {
  await refuseWhileDeploying(db, server.id)
  const { rollout, data: kept } = revision.spec
  const moves = target !== server.toolboxId
  if (moves && kept.length > 0)
    throw new AppError('DATA_CANNOT_MOVE', `server ${server.id} keeps data`, {
      detail: `It keeps ${kept.map(({ mountPath }) => mountPath).join(', ')}.`,
    })
  const replaced = rollout === 'recreate' ? (server.liveInstanceId ?? undefined) : undefined
  await chooseToolbox(db, target, needsOf(revision.spec), { except: replaced })
  const sourceKey = sourceKeyOf(revision.spec)
  const answer = await queueDeployment(db, ctx, {
    serverId: server.id,
    revisionId: revision.id,
    sourceKey,
    toolboxId: moves ? target : null,
  })
  // What failed before is no longer the state of a server that has nothing live; one that serves stays what it is.
  if (!server.liveInstanceId) await moveServer(db, server.id, { failureCode: null })
  await observeServer(db, server.id)
  await recordAudit(db, ctx, {
    action,
    subjectType: 'server',
    subjectId: server.id,
    detail: {
      name: server.name,
      revision: revision.number,
      source: sourceKey,
      ...(moves && { from: server.toolboxId, to: target }),
      ...detail,
    },
  })
  return { ...answer, revisionNumber: revision.number }
}

async function refuseWhileDeploying(db: Db, serverId: string): Promise<void> {
  const going = await db.deployment.count({ where: { serverId, state: { in: [...IN_PROGRESS] } } })
  if (going > 0) throw inProgress(serverId)
}

function inProgress(serverId: string, cause?: unknown): AppError {
  return new AppError('DEPLOYMENT_IN_PROGRESS', `server ${serverId} is being deployed`, { cause })
}
