import type { DeleteToolbox, Toolbox } from '#contracts/toolboxes.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { afterCommit, type Db, withActor } from '#server/db/with-actor.ts'
import { IN_PROGRESS } from '#server/deployments/transition.ts'
import { AppError } from '#server/errors.ts'
import { wantServerDeleted } from '#server/mcp-servers/want.ts'
import { enqueue } from '#server/queues/enqueue.ts'
import { hintReconcile } from '#server/reconcile/hint.ts'
import { fetchToolbox } from './fetch.ts'
import { giveUpInstances } from './finish-deleted.ts'
import { moveToolbox } from './transition.ts'
import { fetchToolboxView } from './view.ts'

/**
 * Wants a toolbox gone. With servers on it, or on their way to it, it is refused and names them, unless `force` deletes them too.
 * It is deleted once its agent has confirmed that nothing is left; one that does not answer is not waited for. Idempotent. Throws
 * AppError NOT_FOUND, BAD_REQUEST when `confirmName` is not its name, TOOLBOX_IS_LOCAL, TOOLBOX_NOT_EMPTY.
 */
export async function deleteToolbox({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: DeleteToolbox
}): Promise<Toolbox> {
  await withActor(ctx.actor, async (db) => {
    const toolbox = await fetchToolbox(db, input.id, { lock: true, deleting: true })
    if (toolbox.kind === 'local') throw new AppError('TOOLBOX_IS_LOCAL', toolbox.id)
    if (input.confirmName !== toolbox.name)
      throw new AppError('BAD_REQUEST', 'name not confirmed', {
        fields: { confirmName: ['This is not the name of the toolbox.'] },
      })
    const serverIds = await lockServersOn(db, toolbox.id)
    const servers = await db.mcpServer.findMany({
      where: { id: { in: serverIds } },
      orderBy: { name: 'asc' },
    })
    const arriving = await db.deployment.findMany({
      where: { toolboxId: toolbox.id, state: { in: [...IN_PROGRESS] }, serverId: { notIn: serverIds } },
      select: { id: true, server: { select: { name: true } } },
    })
    if (!input.force) requireEmpty(toolbox.name, servers, arriving)
    const dead = toolbox.state !== 'active' && toolbox.state !== 'draining' && toolbox.state !== 'deleting'
    if (toolbox.state !== 'deleting') {
      await moveToolbox(db, toolbox.id, 'deleting')
      await db.toolbox.update({
        where: { id: toolbox.id },
        data: { drainRequestedAt: new Date(), upgrade: Prisma.DbNull, bootstrap: Prisma.DbNull },
      })
      await db.toolboxEnrollment.deleteMany({ where: { toolboxId: toolbox.id, usedAt: null } })
    }
    for (const server of servers) await wantServerDeleted(db, server)
    for (const { id } of arriving) {
      const { count } = await db.deployment.updateMany({
        where: { id, state: { in: [...IN_PROGRESS] } },
        data: { cancelRequested: true },
      })
      if (count === 0) throw new AppError('CONFLICT', 'a server has just moved to the toolbox')
      await enqueue(db, 'provision', { deploymentId: id })
    }
    if (dead) await giveUpInstances(db, toolbox.id)
    await recordAudit(db, ctx, {
      action: 'toolbox.delete',
      subjectType: 'toolbox',
      subjectId: toolbox.id,
      detail: {
        name: toolbox.name,
        force: input.force,
        answered: !dead,
        servers: servers.map(({ name }) => name),
      },
    })
    afterCommit(hintReconcile)
  })
  return fetchToolboxView(ctx.actor, input.id)
}

/** In the order of their ids, as everybody who takes several does. */
async function lockServersOn(db: Db, toolboxId: string): Promise<string[]> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT id FROM mcp_servers WHERE toolbox_id = ${toolboxId}::uuid AND deleted_at IS NULL ORDER BY id FOR UPDATE`
  return rows.map(({ id }) => id)
}

function requireEmpty(
  toolbox: string,
  servers: readonly { name: string; desired: string }[],
  arriving: readonly { server: { name: string } }[],
): void {
  const there = servers.filter(({ desired }) => desired !== 'deleted').map(({ name }) => name)
  const coming = arriving.map(({ server }) => server.name)
  if (there.length === 0 && coming.length === 0) return
  const sentences = [
    there.length > 0 ? `On ${toolbox}: ${there.join(', ')}.` : '',
    coming.length > 0 ? `Moving to it: ${coming.join(', ')}.` : '',
  ]
  throw new AppError('TOOLBOX_NOT_EMPTY', `${toolbox} has servers`, {
    detail: sentences.filter(Boolean).join(' '),
    fields: { force: [sentences.filter(Boolean).join(' ')] },
  })
}
