import type { z } from 'zod'
import type { AgentWithToken } from '#contracts/agents.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { hashToken, newToken, tokenPrefix } from '#server/secrets/tokens.ts'
import { fetchAgentView } from './fetch.ts'

/** Makes an agent. Its token is in this answer only. */
export async function createAgent({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { name: string }
}): Promise<z.infer<typeof AgentWithToken>> {
  const token = newToken('tba')
  return withActor(ctx.actor, async (db) => {
    const { id } = await db.agent.create({
      data: {
        userId: ctx.actor.userId,
        name: input.name,
        tokenHash: hashToken(token),
        tokenPrefix: tokenPrefix(token),
      },
      select: { id: true },
    })
    await emit(db, {
      type: 'agent.created',
      subjectId: id,
      agentId: id,
      audience: [`user:${ctx.actor.userId}`],
      data: { name: input.name },
    })
    await recordAudit(db, ctx, {
      action: 'agent.create',
      subjectType: 'agent',
      subjectId: id,
      detail: { name: input.name },
    })
    return { ...(await fetchAgentView(db, id)), token }
  })
}
