import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { answerStoreUnavailable, requireSession } from './require-session.ts'

/** Ends a session, its stream and its own sessions at servers, here and at the other replicas. */
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
  endLocally(context, session.id)
  context.bus.publish({ kind: 'session', sessionId: session.id, ended: true })
  agent.reply.empty(204)
}

/** What this process holds for a session that ended. */
export function endLocally(context: Pick<GatewayContext, 'streams' | 'upstream'>, sessionId: string): void {
  context.streams.end(sessionId)
  context.upstream.channels.end(sessionId)
  context.upstream.sessions.end(sessionId)
}
