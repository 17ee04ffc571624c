import type { z } from 'zod'
import type { AgentGet, AgentList } from '#contracts/agents.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { fetchAgent, fetchAgentView } from './fetch.ts'
import { AGENT_INCLUDE, agentView } from './view.ts'

/** The actor's own agents, oldest first. */
export async function listAgents({ ctx }: { ctx: UserCtx }): Promise<z.infer<typeof AgentList>> {
  return withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const rows = await db.agent.findMany({
      where: { deletedAt: null },
      orderBy: { createdAt: 'asc' },
      include: AGENT_INCLUDE,
    })
    return { cursor, items: rows.map(agentView) }
  })
}

/** Throws AppError NOT_FOUND. */
export async function getAgent({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<z.infer<typeof AgentGet>> {
  return withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    await fetchAgent(db, input.id)
    return { cursor, ...(await fetchAgentView(db, input.id)) }
  })
}
