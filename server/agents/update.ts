import type { z } from 'zod'
import type { Agent, AgentWithToken } from '#contracts/agents.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { hashToken, newToken, tokenPrefix } from '#server/secrets/tokens.ts'
import { fetchAgent, fetchAgentView } from './fetch.ts'

/** Throws AppError NOT_FOUND. */
export async function updateAgent({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string; name: string }
}): Promise<Agent> {
  return withActor(ctx.actor, async (db) => {
    const before = await fetchAgent(db, input.id)
    await db.agent.update({ where: { id: input.id }, data: { name: input.name } })
    await note(db, ctx, 'agent.update', input.id, { from: before.name, to: input.name })
    return fetchAgentView(db, input.id)
  })
}

/** Gives an agent a new token; the old one ends at once. Throws AppError NOT_FOUND. */
export async function rotateAgentToken({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<z.infer<typeof AgentWithToken>> {
  const token = newToken('tba')
  return withActor(ctx.actor, async (db) => {
    await fetchAgent(db, input.id)
    await db.agent.update({
      where: { id: input.id },
      data: { tokenHash: hashToken(token), tokenPrefix: tokenPrefix(token) },
    })
    await note(db, ctx, 'agent.rotateToken', input.id, { prefix: tokenPrefix(token) })
    return { ...(await fetchAgentView(db, input.id)), token }
  })
}

async function note(
  db: Db,
  ctx: UserCtx,
  action: string,
  id: string,
  detail: Record<string, string>,
): Promise<void> {
  await emit(db, {
    type: 'agent.updated',
    subjectId: id,
    agentId: id,
    audience: [`user:${ctx.actor.userId}`],
  })
  await recordAudit(db, ctx, { action, subjectType: 'agent', subjectId: id, detail })
}
