import { randomUUID } from 'node:crypto'
import type { DesiredServerState, ServerState, ServerSummary } from '#contracts/servers.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { afterCommit, type Db, withActor } from '#server/db/with-actor.ts'
import { needsOf, RevisionSpec } from '#server/deployments/spec.ts'
import { IN_PROGRESS } from '#server/deployments/transition.ts'
import { AppError } from '#server/errors.ts'
import { enqueue } from '#server/queues/enqueue.ts'
import { hintReconcile } from '#server/reconcile/hint.ts'
import { lockToolbox, requireRoom } from '#server/toolboxes/choose.ts'
import { fetchAdminSummary, fetchServer } from './fetch.ts'
import { observeServer } from './observe.ts'
import { wantServer } from './transition.ts'

type Server = Awaited<ReturnType<typeof fetchServer>>

/**
 * Wants a server to run. Idempotent. Throws AppError NOT_FOUND, SERVER_NOT_RUNNING when it never went live, TOOLBOX_FULL when others
 * have taken its room meanwhile.
 */
export async function startServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<ServerSummary> {
  return change(ctx, input.id, 'server.start', async (db, server) => {
    const live = requireLive(server)
    // The deployment decides which of its instances runs, and one that is to run already need not be told.
    if (await isDeploying(db, server)) {
      if (server.desired !== 'running') throw inProgress(server)
      return
    }
    await requireItsRoom(db, server, live)
    await want(db, server, 'running', 'starting')
  })
}

/** Wants a server to stand still; it keeps everything it has. Idempotent. Throws AppError NOT_FOUND, DEPLOYMENT_IN_PROGRESS. */
export async function stopServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<ServerSummary> {
  return change(ctx, input.id, 'server.stop', async (db, server) => {
    requireLive(server)
    // It would run again once the deployment is live.
    if (await isDeploying(db, server)) throw inProgress(server)
    await want(db, server, 'stopped', 'stopping')
    await db.instance.updateMany({
      where: { serverId: server.id, drainUntil: { not: null }, desired: { not: 'absent' } },
      data: { desired: 'absent' },
    })
  })
}

/** Restarts the live instance once. Throws AppError NOT_FOUND, SERVER_NOT_RUNNING, TOOLBOX_FULL as `startServer` does. */
export async function restartServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<ServerSummary> {
  return change(ctx, input.id, 'server.restart', async (db, server) => {
    const live = requireLive(server)
    if (await isDeploying(db, server)) throw inProgress(server)
    await requireItsRoom(db, server, live)
    await want(db, server, 'running', 'starting')
    await db.instance.update({
      where: { id: live },
      data: { restartNonce: randomUUID(), observed: 'unknown' },
    })
  })
}

/**
 * Wants everything of a server gone; it is deleted once its toolbox has confirmed that. A deployment in progress is cancelled.
 * Idempotent. Throws AppError NOT_FOUND, BAD_REQUEST when `confirmName` is not its name.
 */
export async function deleteServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string; confirmName: string }
}): Promise<ServerSummary> {
  return change(ctx, input.id, 'server.delete', async (db, server) => {
    if (input.confirmName !== server.name)
      throw new AppError('BAD_REQUEST', 'name not confirmed', {
        fields: { confirmName: ['This is not the name of the server.'] },
      })
    await wantServerDeleted(db, server)
  })
}

/** As `deleteServer`, inside a transaction that holds the locks of its toolbox and of the server. */
export async function wantServerDeleted(db: Db, server: Server): Promise<void> {
  await want(db, server, 'deleted', 'deleting')
  const going = await db.deployment.findFirst({
    where: { serverId: server.id, state: { in: [...IN_PROGRESS] } },
    select: { id: true },
  })
  if (going) await enqueue(db, 'provision', { deploymentId: going.id })
  await observeServer(db, server.id)
}

async function change(
  ctx: UserCtx,
  id: string,
  action: string,
  work: (db: Db, server: Server) => Promise<void>,
): Promise<ServerSummary> {
  return withActor(ctx.actor, async (db) => {
    // Toolbox before server, as a deploy does.
    await lockToolbox(db, (await fetchServer(db, id)).toolboxId)
    // Two admins at once: the second waits here and sees what the first has done.
    await db.$queryRaw`SELECT id FROM mcp_servers WHERE id = ${id}::uuid FOR UPDATE`
    const server = await fetchServer(db, id)
    await work(db, server)
    await recordAudit(db, ctx, {
      action,
      subjectType: 'server',
      subjectId: id,
      detail: { name: server.name },
    })
    afterCommit(hintReconcile)
    return fetchAdminSummary(db, id)
  })
}

async function want(
  db: Db,
  server: Server,
  desired: DesiredServerState,
  observed: ServerState,
): Promise<void> {
  const settled = desired === server.desired && desired === 'running' && server.observed === 'running'
  if (!(await wantServer(db, server.id, desired, settled ? 'running' : observed)))
    throw new AppError('CONFLICT', `server ${server.id} changed`)
  const [claimed] = await db.$queryRaw<{ fence: number }[]>`
    UPDATE mcp_servers SET fence = fence + 1, lease_expires_at = NULL WHERE id = ${server.id}::uuid RETURNING fence`
  const fence = claimed?.fence ?? server.fence
  if (desired === 'deleted') {
    await db.instance.updateMany({
      where: { serverId: server.id, desired: { not: 'absent' } },
      data: { desired: 'absent', fence },
    })
    await askForDeletedData(db, server.id, fence)
  } else if (server.liveInstanceId && desired !== server.desired)
    await db.instance.update({
      where: { id: server.liveInstanceId },
      data: { desired, fence, observed: 'unknown' },
    })
  else if (server.liveInstanceId)
    await db.instance.update({ where: { id: server.liveInstanceId }, data: { desired, fence } })
}

/** Where nothing of the server is left but data that it declared, its last instance there is asked for once more. */
async function askForDeletedData(db: Db, serverId: string, fence: number): Promise<void> {
  await db.$executeRaw`
    UPDATE instances SET gone_at = NULL, observed = 'unknown', fence = ${fence} WHERE id IN (
      SELECT DISTINCT ON (i.toolbox_id) i.id FROM instances i
      JOIN revisions r ON r.id = i.revision_id JOIN toolboxes t ON t.id = i.toolbox_id
      WHERE i.server_id = ${serverId}::uuid AND i.accepted AND jsonb_array_length(coalesce(r.spec->'data', '[]')) > 0
        AND t.state <> 'deleting' AND t.deleted_at IS NULL AND NOT EXISTS (
          SELECT FROM instances o
          WHERE o.server_id = i.server_id AND o.toolbox_id = i.toolbox_id AND o.gone_at IS NULL)
      ORDER BY i.toolbox_id, i.created_at DESC)`
}

/** One that stands still or has failed has given its room to others; one that runs keeps it. */
async function requireItsRoom(db: Db, server: Server, live: string): Promise<void> {
  if (server.desired === 'running' && server.observed !== 'failed') return
  const { revision } = await db.instance.findUniqueOrThrow({
    where: { id: live },
    select: { revision: { select: { spec: true } } },
  })
  const needs = needsOf(RevisionSpec.parse(revision.spec))
  await requireRoom(db, server.toolboxId, needs, { except: live })
}

async function isDeploying(db: Db, server: Server): Promise<boolean> {
  const where = { serverId: server.id, state: { in: [...IN_PROGRESS] } }
  return (await db.deployment.count({ where })) > 0
}

function inProgress(server: Server): AppError {
  return new AppError('DEPLOYMENT_IN_PROGRESS', `server ${server.id} is being deployed`)
}

function requireLive(server: Server): string {
  if (server.desired === 'deleted')
    throw new AppError('CONFLICT', `server ${server.id} is being deleted`, {
      detail: 'The server is being deleted.',
    })
  if (!server.liveInstanceId)
    throw new AppError('SERVER_NOT_RUNNING', `server ${server.id} never went live`, {
      detail: 'It has never gone live. Deploy it again, with changes if it needs them.',
    })
  return server.liveInstanceId
}
