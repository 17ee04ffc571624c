import type { z } from 'zod'
import type { Agent, AgentWithToken, RotateToken, UpdateAgent } from '#contracts/agents.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { hashToken, newToken, tokenPrefix } from '#server/secrets/tokens.ts'
import { fetchAgent, fetchAgentView } from './fetch.ts'

/** Changes what is given of name and limits. Throws AppError NOT_FOUND. */
export async function updateAgent({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: z.infer<typeof UpdateAgent>
}): Promise<Agent> {
  const { id, ...given } = input
  const data = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return withActor(ctx.actor, async (db) => {
    const before = await fetchAgent(db, id)
    await db.agent.update({ where: { id }, data })
    await note(db, ctx, 'agent.update', id, { from: before.name, ...data })
    return fetchAgentView(db, input.id)
  })
}

/**
 * Gives an agent a new token. The one before it ends at once, or after `overlapMinutes`; one that is older ends in any case. Throws
 * AppError NOT_FOUND.
 */
export async function rotateAgentToken({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: z.infer<typeof RotateToken>
}): Promise<z.infer<typeof AgentWithToken>> {
  const token = newToken('tba')
  return withActor(ctx.actor, async (db) => {
    await fetchAgent(db, input.id)
    const { id, overlapMinutes } = input
    // By one statement, so that of two rotations at once each keeps the token that it really replaced.
    await db.$executeRaw`
      UPDATE agents SET token_hash = ${hashToken(token)}, token_prefix = ${tokenPrefix(token)},
        previous_token_hash = CASE WHEN ${overlapMinutes}::int > 0 THEN token_hash END,
        previous_token_expires_at = CASE WHEN ${overlapMinutes}::int > 0
          THEN clock_timestamp() + make_interval(mins => ${overlapMinutes}::int) END
      WHERE id = ${id}::uuid`
    await note(db, ctx, 'agent.rotateToken', id, { prefix: tokenPrefix(token), overlapMinutes })
    return { ...(await fetchAgentView(db, input.id)), token }
  })
}

async function note(
  db: Db,
  ctx: UserCtx,
  action: string,
  id: string,
  detail: Record<string, string | number | null>,
): Promise<void> {
  await emit(db, {
    type: 'agent.updated',
    subjectId: id,
    agentId: id,
    audience: [`user:${ctx.actor.userId}`],
  })
  await recordAudit(db, ctx, { action, subjectType: 'agent', subjectId: id, detail })
}
