import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { fetchAgent } from './fetch.ts'

/** Ends an agent: its token and its connections end with it. Throws AppError NOT_FOUND. */
export async function deleteAgent({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<{ id: string }> {
  return withActor(ctx.actor, async (db) => {
    const agent = await fetchAgent(db, input.id)
    const now = new Date()
    await db.connection.updateMany({
      where: { agentId: agent.id, state: { not: 'disconnected' } },
      data: { state: 'disconnected', disconnectedAt: now },
    })
    await db.agent.update({ where: { id: agent.id }, data: { deletedAt: now } })
    await emit(db, {
      type: 'agent.deleted',
      subjectId: agent.id,
      agentId: agent.id,
      audience: [`user:${ctx.actor.userId}`],
    })
    await recordAudit(db, ctx, {
      action: 'agent.delete',
      subjectType: 'agent',
      subjectId: agent.id,
      detail: { name: agent.name },
    })
    return { id: agent.id }
  })
}
