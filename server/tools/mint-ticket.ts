import { fetchAgent } from '#server/agents/fetch.ts'
import { systemCtx, type UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { hashToken, newToken } from '#server/secrets/tokens.ts'

/** Outlives the longest call that is made with it. */
const VALID_MS = 5 * 60_000

/**
 * A token for one exchange with the gateway as one's own agent, whose real token nobody but its holder knows. It ends with the
 * exchange, after 5 minutes, and like the real one with the agent and its user. Throws AppError NOT_FOUND.
 */
export async function withTicket<T>(
  ctx: UserCtx,
  agentId: string,
  work: (ticket: string) => Promise<T>,
): Promise<T> {
  const ticket = newToken('tba')
  const hash = hashToken(ticket)
  await withActor(ctx.actor, async (db) => {
    await fetchAgent(db, agentId)
    await db.$executeRaw`
      INSERT INTO agent_tickets (hash, agent_id, user_id, expires_at)
      VALUES (${hash}, ${agentId}::uuid, ${ctx.actor.userId}::uuid, now() + make_interval(secs => ${VALID_MS / 1_000}::float8))`
  })
  try {
    return await work(ticket)
  } finally {
    await withActor(
      systemCtx('tickets').actor,
      (db) => db.$executeRaw`DELETE FROM agent_tickets WHERE hash = ${hash} OR expires_at < now()`,
    )
  }
}
