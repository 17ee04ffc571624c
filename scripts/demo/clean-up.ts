import { statusMessages, type ToolberthClient, toolberthError } from 'toolberth/client'
import { DemoError } from './demo-error.ts'

/** A server is gone when its toolbox has confirmed it: a graceful stop of 10 s, and what a busy machine adds. */
const GONE_WITHIN_MS = 60_000

/** Deletes the agent and the server, and waits until the toolbox has confirmed that nothing of the server is left. */
export async function cleanUp(
  toolberth: ToolberthClient,
  made: { agentId: string | null; server: { id: string; name: string } | null },
): Promise<void> {
  if (made.agentId !== null) await toolberth.agents.delete.mutate({ id: made.agentId })
  const { server } = made
  if (!server) return
  const signal = AbortSignal.timeout(GONE_WITHIN_MS)
  try {
    const { cursor } = await toolberth.servers.get.query({ id: server.id }, { signal })
    await toolberth.servers.delete.mutate({ id: server.id, confirmName: server.name })
    for await (const message of statusMessages(toolberth, { cursor, serverId: server.id, signal })) {
      if (message.kind === 'event' && message.event.type === 'server.deleted') return
      if (message.kind === 'reset') await toolberth.servers.get.query({ id: server.id }, { signal })
    }
  } catch (error) {
    if (toolberthError(error)?.code === 'NOT_FOUND') return
    if (!signal.aborted) throw error
    throw new DemoError(
      `The toolbox did not confirm within ${GONE_WITHIN_MS / 1000} s that ${server.name} is gone.`,
      'It is still being deleted; look at its page, and at the toolbox it runs on.',
      { cause: error },
    )
  }
}
