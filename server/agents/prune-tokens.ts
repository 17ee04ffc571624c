import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'

/**
 * Forgets tokens whose overlap is over, and tickets that nobody came back for. They are refused anyhow; that a row changes ends the
 * streams that were opened with one.
 */
export async function pruneTokens(): Promise<void> {
  await withActor(systemCtx('reconcile').actor, async (db) => {
    await db.$executeRaw`
      UPDATE agents SET previous_token_hash = NULL, previous_token_expires_at = NULL
      WHERE previous_token_expires_at <= clock_timestamp()`
    await db.$executeRaw`DELETE FROM agent_tickets WHERE expires_at <= clock_timestamp()`
  })
}
