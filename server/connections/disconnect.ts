import type { Connection } from '#contracts/agents.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { CONNECTION_INCLUDE, connectionView } from './view.ts'

/** Ends a connection; the agent may be connected anew afterwards. Idempotent. Throws AppError NOT_FOUND. */
export async function disconnect({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<Connection> {
  return withActor(ctx.actor, async (db) => {
    const { count } = await db.connection.updateMany({
      where: { id: input.id, state: { not: 'disconnected' } },
      data: { state: 'disconnected', disconnectedAt: new Date() },
    })
    const row = await db.connection.findFirst({
      where: { id: input.id, server: { deletedAt: null } },
      include: CONNECTION_INCLUDE,
    })
    if (!row) throw new AppError('NOT_FOUND', `no connection ${input.id}`)
    if (count > 0) {
      await emit(db, {
        type: 'connection.updated',
        subjectId: row.id,
        agentId: row.agentId,
        serverId: row.serverId,
        audience: [`user:${ctx.actor.userId}`],
        data: { state: 'disconnected' },
      })
      await recordAudit(db, ctx, {
        action: 'connection.disconnect',
        subjectType: 'connection',
        subjectId: row.id,
        detail: { agentId: row.agentId, serverId: row.serverId },
      })
    }
    return connectionView(row)
  })
}
