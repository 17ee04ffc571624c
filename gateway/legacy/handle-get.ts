import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { accepts } from '#gateway/media-types.ts'
import { RPC_INVALID_REQUEST, rpcFailure } from '#mcp/json-rpc.ts'
import { TOOLS_CHANGED } from './open-streams.ts'
import { requireSession } from './require-session.ts'

/** Opens the stream of a session: keepalives, and a word when the agent's tools change. It ends with the session and the token. */
export async function handleGet(context: GatewayContext, agent: AgentRequest): Promise<void> {
  const { reply, view, tokenHash } = agent
  if (!accepts(agent.headers.accept, 'text/event-stream')) {
    const text = 'Send the header "Accept: text/event-stream".'
    return reply.json(406, rpcFailure(null, RPC_INVALID_REQUEST, text))
  }
  const session = await requireSession(context, agent, null)
  if (session === null) return

  let digest = view.catalogue.digest
  const stream = context.streams.add(session.id, reply)
  const stopWatching = context.rights.watch(tokenHash, (current) => {
    if (current === null) return reply.end()
    if (current.catalogue.digest === digest) return
    digest = current.catalogue.digest
    void reply.send(TOOLS_CHANGED)
  })
  const closed = new Promise<void>((resolve) => reply.onClientGone(resolve))
  reply.openStream(() => {
    const { expiresAt } = view.rights
    if (expiresAt !== null && Date.parse(expiresAt) <= Date.now()) return reply.end()
    // Keeps the session alive, and notices when another replica ended it.
    context.sessions.touch(view.rights.agentId, session.id).then(
      (record) => record ?? reply.end(),
      () => {},
    )
  })
  await closed
  stopWatching()
  context.streams.remove(session.id, stream)
}
