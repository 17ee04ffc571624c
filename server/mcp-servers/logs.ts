import { z } from 'zod'
import { LogLine } from '#contracts/dtma.ts'
import type { Logs, LogsInput } from '#contracts/servers.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { getLogs } from '#server/dtma/client.ts'
import { DtmaError } from '#server/dtma/errors.ts'
import { AppError } from '#server/errors.ts'
import { fetchServer } from './fetch.ts'

/**
 * The last log lines of a server: from its toolbox, or of a failed deployment the kept ones. Throws AppError NOT_FOUND,
 * TOOLBOX_UNREACHABLE.
 */
export async function readLogs({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: z.output<typeof LogsInput>
}): Promise<z.infer<typeof Logs>> {
  const { instance, kept } = await withActor(ctx.actor, async (db) => {
    const server = await fetchServer(db, input.id)
    const instance = await db.instance.findFirst({
      where: server.liveInstanceId
        ? { id: server.liveInstanceId }
        : { serverId: server.id, goneAt: null, accepted: true, desired: { not: 'absent' } },
      orderBy: { createdAt: 'desc' },
      include: { toolbox: { select: { id: true, url: true, certificate: true } } },
    })
    const failed = await db.deployment.findFirst({
      where: { serverId: server.id },
      orderBy: { createdAt: 'desc' },
      select: { logTail: true },
    })
    return { instance, kept: failed?.logTail ?? [] }
  })
  const at = new Date().toISOString()
  if (!instance?.toolbox.url || !instance.toolbox.certificate)
    return { lines: z.array(LogLine).parse(kept).slice(-input.tail), source: 'kept', at }
  const { id, url, certificate } = instance.toolbox
  try {
    return { lines: await getLogs({ id, url, certificate }, instance.id, input.tail), source: 'toolbox', at }
  } catch (error) {
    if (error instanceof DtmaError && error.agentCode === 'NOT_FOUND')
      return { lines: [], source: 'toolbox', at }
    if (error instanceof DtmaError)
      throw new AppError(error.code, error.message, { detail: error.message, cause: error })
    throw error
  }
}
