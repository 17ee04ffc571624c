import { z } from 'zod'
import { LogLine } from '#contracts/dtma.ts'
import type { LogEntry, LogFilter, Logs, LogsInput } from '#contracts/logs.ts'
import { createLineFilter, createPositioner } from '#protocol/log-lines.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { getLogs } from '#server/dtma/client.ts'
import { DtmaError } from '#server/dtma/errors.ts'
import { AppError } from '#server/errors.ts'
import { formatLogCursor } from './logs-cursor.ts'
import { instanceView, type LoggedInstance, loadLoggedInstances } from './logs-instances.ts'

/**
 * The last log lines of a server that pass the filter, of all its instances in order of time: from the toolbox, or once no
 * instance is left, those kept when its last deployment failed. Throws AppError NOT_FOUND, TOOLBOX_UNREACHABLE and its like.
 */
export async function readLogs({
  ctx,
  input: { id, instanceId, tail, ...filter },
}: {
  ctx: UserCtx
  input: z.output<typeof LogsInput>
}): Promise<z.infer<typeof Logs>> {
  return collectLogs(ctx, { id, tail, filter, ...(instanceId !== undefined && { instanceId }) })
}

/** The same for any number of lines. */
export async function collectLogs(
  ctx: UserCtx,
  { id, instanceId, tail, filter }: { id: string; instanceId?: string; tail: number; filter: LogFilter },
): Promise<z.infer<typeof Logs>> {
  const { instances, kept } = await withActor(ctx.actor, async (db) => ({
    instances: await loadLoggedInstances(db, id, instanceId),
    kept: await keptLines(db, id, instanceId),
  }))
  const at = new Date().toISOString()
  const readable = instances.filter(({ toolbox }) => toolbox !== null)
  if (readable.length === 0) {
    const lines = kept.map(createPositioner()).filter(createLineFilter(filter))
    return {
      cursor: formatLogCursor(new Map()),
      lines: lines.slice(-tail).map((line) => ({ ...line, instanceId: null })),
      source: 'kept',
      instances: [],
      at,
    }
  }
  const logs = await Promise.all(readable.map((instance) => readInstance(instance, tail, filter)))
  const lines = logs
    .flatMap((log) => log.lines)
    .toSorted((a, b) => a.seq - b.seq)
    .slice(-tail)
  const cursor = formatLogCursor(new Map(logs.map(({ instance, position }) => [instance.id, position])))
  return { cursor, lines, source: 'toolbox', instances: instances.map(instanceView), at }
}

/** The position is that of the newest line at the time, whether it passes the filter or not; what comes after it is new. */
async function readInstance(
  instance: LoggedInstance,
  tail: number,
  filter: LogFilter,
): Promise<{ instance: LoggedInstance; lines: LogEntry[]; position: number }> {
  const { toolbox } = instance
  if (!toolbox) return { instance, lines: [], position: 0 }
  try {
    const filtered = Object.keys(filter).length > 0
    // Asked first: a line that comes in between is sent twice rather than not at all.
    const newest = filtered ? await getLogs(toolbox, instance.id, 1) : null
    const answered = await getLogs(toolbox, instance.id, tail, { wait: true, filter })
    const lines = answered.map(createPositioner())
    // Agents that know no positions know no filter either.
    const old = answered.some(({ seq }) => seq === undefined)
    const passing = old ? lines.filter(createLineFilter(filter)) : lines
    return {
      instance,
      lines: passing.map((line) => ({ ...line, instanceId: instance.id })),
      position: (newest?.map(createPositioner()) ?? lines).at(-1)?.seq ?? 0,
    }
  } catch (error) {
    if (error instanceof DtmaError && error.agentCode === 'NOT_FOUND')
      return { instance, lines: [], position: 0 }
    if (error instanceof DtmaError)
      throw new AppError(error.code, error.message, { detail: error.message, cause: error })
    throw error
  }
}

async function keptLines(db: Db, serverId: string, instanceId: string | undefined): Promise<LogLine[]> {
  const deployment = await db.deployment.findFirst({
    where: { serverId, ...(instanceId !== undefined && { instanceId }) },
    orderBy: { createdAt: 'desc' },
    select: { logTail: true },
  })
  return z.array(LogLine).parse(deployment?.logTail ?? [])
}
