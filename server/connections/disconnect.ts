import type { Connection } from '#contracts/agents.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { moveConnection } from './transition.ts'
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
    const before = await db.connection.findFirst({ where: { id: input.id, server: { deletedAt: null } } })
    if (!before) throw new AppError('NOT_FOUND', `no connection ${input.id}`)
    const moved = await moveConnection(db, before, 'disconnected')
    const row = await db.connection.findUniqueOrThrow({
      where: { id: input.id },
      include: CONNECTION_INCLUDE,
    })
    if (moved)
      await recordAudit(db, ctx, {
        action: 'connection.disconnect',
        subjectType: 'connection',
        subjectId: row.id,
        detail: { agentId: row.agentId, serverId: row.serverId },
      })
    return connectionView(row)
  })
}
