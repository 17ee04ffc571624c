import type { LogInstance } from '#contracts/logs.ts'
import type { Db } from '#server/db/with-actor.ts'
import type { ToolboxAddress } from '#server/dtma/client.ts'
import { AppError } from '#server/errors.ts'
import { fetchServer } from './fetch.ts'

/** An instance that has a log on its toolbox; `toolbox` is null while its address is not known. */
export interface LoggedInstance extends LogInstance {
  toolbox: ToolboxAddress | null
}

/** Enough for any rollout; whoever has more is being cleaned up. */
const MOST = 8

/**
 * The instances of a server that have a log, the newest last. Without an id those that run, are about to, or stand still, and those
 * of `until` until they are gone; with one that alone, also while it is being removed. Throws AppError NOT_FOUND.
 */
export async function loadLoggedInstances(
  db: Db,
  serverId: string,
  instanceId?: string,
  until: string[] = [],
): Promise<LoggedInstance[]> {
  const server = await fetchServer(db, serverId)
  if (instanceId !== undefined) {
    const known = await db.instance.count({ where: { id: instanceId, serverId } })
    if (known === 0) throw new AppError('NOT_FOUND', `no instance ${instanceId} of server ${serverId}`)
  }
  const rows = await db.instance.findMany({
    where: {
      serverId,
      goneAt: null,
      accepted: true,
      ...(instanceId === undefined
        ? { OR: [{ desired: { not: 'absent' } }, { id: { in: until } }] }
        : { id: instanceId }),
    },
    orderBy: { createdAt: 'desc' },
    take: MOST,
    include: {
      toolbox: { select: { id: true, url: true, certificate: true } },
      revision: { select: { number: true } },
    },
  })
  return rows.toReversed().map(({ toolbox: { id, url, certificate }, ...row }) => ({
    id: row.id,
    revisionNumber: row.revision.number,
    attempt: row.attempt,
    role: roleOf(row, server.liveInstanceId),
    createdAt: row.createdAt.toISOString(),
    toolbox: url && certificate ? { id, url, certificate } : null,
  }))
}

function roleOf(
  row: { id: string; desired: 'running' | 'stopped' | 'absent'; drainUntil: Date | null },
  liveInstanceId: string | null,
): LogInstance['role'] {
  if (row.desired === 'absent') return 'removing'
  if (row.desired === 'stopped') return 'stopped'
  if (row.id === liveInstanceId) return 'serving'
  return row.drainUntil === null ? 'starting' : 'draining'
}

/** As it is shown: without the way to its toolbox. */
export function instanceView(instance: LoggedInstance): LogInstance {
  const { id, revisionNumber, attempt, role, createdAt } = instance
  return { id, revisionNumber, attempt, role, createdAt }
}
