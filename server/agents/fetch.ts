import type { Agent } from '#contracts/agents.ts'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { AGENT_INCLUDE, agentView } from './view.ts'

/** An agent of the transaction's actor. Throws AppError NOT_FOUND, also for somebody else's. */
export async function fetchAgent(db: Db, id: string) {
  const agent = await db.agent.findFirst({ where: { id, deletedAt: null } })
  if (!agent) throw new AppError('NOT_FOUND', `no agent ${id}`)
  return agent
}

export async function fetchAgentView(db: Db, id: string): Promise<Agent> {
  return agentView(await db.agent.findUniqueOrThrow({ where: { id }, include: AGENT_INCLUDE }))
}
