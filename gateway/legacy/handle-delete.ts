import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { answerStoreUnavailable, requireSession } from './require-session.ts'

/** Ends a session, and its stream where that is open in this process. */
export async function handleDelete(context: GatewayContext, agent: AgentRequest): Promise<void> {
  const session = await requireSession(context, agent, null)
  if (session === null) return
  try {
    await context.sessions.end(agent.view.rights.agentId, session.id)
  } catch (error) {
    context.logger.error({ err: error }, 'a session cannot be ended')
    return answerStoreUnavailable(agent, null)
  }
  context.metrics.countSession('ended')
  context.streams.end(session.id)
  agent.reply.empty(204)
}
