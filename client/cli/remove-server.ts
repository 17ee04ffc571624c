import { isToolberthError } from '#client/errors.ts'
import { statusMessages } from '#client/status-messages.ts'
import type { CliContext } from './context.ts'
import { findServer } from './find.ts'

/** Deletes a server and, unless told otherwise, waits until its toolbox has confirmed that nothing of it is left. */
export async function removeServer(context: CliContext, given: string, wait: boolean): Promise<void> {
  const { toolberth, answer } = context
  const { id, name } = await findServer(toolberth, given)
  const { cursor } = await toolberth.servers.get.query({ id })
  await toolberth.servers.delete.mutate({ id, confirmName: name })
  if (wait) await untilGone(context, id, cursor)
  answer({ id, name, deleted: wait }, wait ? `${name} is deleted.` : `${name} is being deleted.`)
}

async function untilGone({ toolberth }: CliContext, serverId: string, cursor: string): Promise<void> {
  try {
    for await (const message of statusMessages(toolberth, { serverId, cursor })) {
      if (message.kind === 'event' && message.event.type === 'server.deleted') return
      if (message.kind === 'reset') await toolberth.servers.get.query({ id: serverId })
    }
  } catch (error) {
    if (!isToolberthError(error, 'NOT_FOUND')) throw error
  }
}
