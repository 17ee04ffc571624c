import type { z } from 'zod'
import type { AgentGet, AgentList } from '#contracts/agents.ts'
import { CONNECTION_INCLUDE, connectionView } from '#server/connections/view.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { fetchAgent, fetchAgentView } from './fetch.ts'
import { AGENT_INCLUDE, agentView } from './view.ts'

const DAY_MS = 24 * 3_600_000

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

/** One of the actor's own agents with what it may use, which is what ends when it is deleted. Throws AppError NOT_FOUND. */
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
    const rows = await db.connection.findMany({
      where: { agentId: input.id, state: { not: 'disconnected' }, server: { deletedAt: null } },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      include: CONNECTION_INCLUDE,
    })
    return {
      cursor,
      ...(await fetchAgentView(db, input.id)),
      connections: rows.map(connectionView).map(({ id, slug, server, state, tools, toolChanges }) => ({
        id,
        slug,
        server: { id: server.id, name: server.name, state: server.state },
        state,
        tools: tools.length,
        held: toolChanges.held,
      })),
      calls: await db.call.count({
        where: { agentId: input.id, at: { gt: new Date(Date.now() - DAY_MS) } },
      }),
    }
  })
}
