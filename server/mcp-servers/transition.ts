import type { DesiredServerState, ServerState } from '#contracts/servers.ts'
import { checkSoon } from '#server/connections/checks/check-soon.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'

/** What is observed of a server when its connections may have begun to fail, or to work again. */
const SAYS_SOMETHING: ReadonlySet<ServerState> = new Set(['running', 'degraded', 'failed', 'unreachable'])

export interface ServerMove {
  observed?: ServerState
  failureCode?: string | null
  deletedAt?: Date
}

/** Moves what is observed of a server, when it differs. Emits an event for everybody who may see it. */
export async function moveServer(db: Db, id: string, move: ServerMove): Promise<boolean> {
  const { count } = await db.mcpServer.updateMany({
    where: { id, deletedAt: null, ...(move.deletedAt ? {} : { OR: differences(move) }) },
    data: { ...move, updatedAt: new Date(), ...(move.deletedAt && { liveInstanceId: null }) },
  })
  if (count === 0) return false
  if (move.observed && SAYS_SOMETHING.has(move.observed)) await checkSoon(db, id)
  await emit(db, {
    type: move.deletedAt ? 'server.deleted' : 'server.updated',
    subjectId: id,
    serverId: id,
    audience: { server: id },
    data: move.observed ? { state: move.observed } : {},
  })
  return true
}

/** What makes a row differ from the move; an empty list matches no row. */
function differences({ observed, failureCode }: ServerMove): Prisma.McpServerWhereInput[] {
  const found: Prisma.McpServerWhereInput[] = []
  if (observed) found.push({ observed: { not: observed } })
  if (failureCode === null) found.push({ failureCode: { not: null } })
  if (typeof failureCode === 'string')
    found.push({ failureCode: null }, { failureCode: { not: failureCode } })
  return found
}

/** Legal moves of what is wanted of a server; a deleted one stays deleted. */
export const DESIRED_MOVES: Readonly<Record<DesiredServerState, readonly DesiredServerState[]>> = {
  running: ['running', 'stopped', 'deleted'],
  stopped: ['running', 'stopped', 'deleted'],
  deleted: ['deleted'],
}

/** Changes what is wanted of a server. False: it was deleted meanwhile. */
export async function wantServer(
  db: Db,
  id: string,
  to: DesiredServerState,
  observed: ServerState,
): Promise<boolean> {
  const from = (Object.keys(DESIRED_MOVES) as DesiredServerState[]).filter((state) =>
    DESIRED_MOVES[state].includes(to),
  )
  const { count } = await db.mcpServer.updateMany({
    where: { id, deletedAt: null, desired: { in: from } },
    data: { desired: to, observed, updatedAt: new Date() },
  })
  if (count === 0) return false
  await emit(db, {
    type: 'server.updated',
    subjectId: id,
    serverId: id,
    audience: { server: id },
    data: { state: observed, desired: to },
  })
  return true
}
