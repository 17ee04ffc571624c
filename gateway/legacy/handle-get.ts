import type { AgentRequest, GatewayContext } from '#gateway/context.ts'
import { accepts } from '#gateway/media-types.ts'
import { openFeed } from '#gateway/watch/feed.ts'
import { RPC_INVALID_REQUEST, rpcFailure } from '#mcp/json-rpc.ts'
import { clientSide } from './client-side.ts'
import type { OpenStream } from './open-streams.ts'
import { requireSession } from './require-session.ts'

/**
 * Opens the stream of a session: keepalives, and what changes in the agent's rights and at its servers. It ends with the session and
 * the token.
 */
export async function handleGet(context: GatewayContext, agent: AgentRequest): Promise<void> {
  const { reply, view, tokenHash } = agent
  const { agentId } = view.rights
  if (!accepts(agent.headers.accept, 'text/event-stream')) {
    const text = 'Send the header "Accept: text/event-stream".'
    return reply.json(406, rpcFailure(null, RPC_INVALID_REQUEST, text))
  }
  const session = await requireSession(context, agent, null)
  // One that left meanwhile must not take the place of the stream that it has opened since.
  if (session === null || reply.gone) return

  const client = clientSide(context, agent, session)
  const feed = openFeed({
    context,
    // Whatever it may yet come to subscribe to or to set: what is told here is this session's.
    client: { ...client, use: { ...client.use, key: session.id } },
    view,
    subscriptions: session.subscriptions,
    tell: (message) => void reply.send(message),
  })
  const stream: OpenStream = {
    reply,
    feed,
    refresh() {
      const { expiresAt } = view.rights
      if (expiresAt !== null && Date.parse(expiresAt) <= Date.now()) return reply.end()
      // Keeps the session alive, and notices when another replica ended or changed it.
      context.sessions.touch(agentId, session.id).then(
        (record) => (record === null ? reply.end() : feed.update({ subscriptions: record.subscriptions })),
        () => {},
      )
    },
  }
  context.streams.add(session.id, stream)
  const stopWatching = context.rights.watch(tokenHash, (current) => {
    if (current === null) reply.end()
    else feed.update({ view: current })
  })
  const closed = new Promise<void>((resolve) => reply.onClientGone(resolve))
  reply.openStream(stream.refresh)
  await closed
  stopWatching()
  feed.close()
  context.streams.remove(session.id, stream)
}
