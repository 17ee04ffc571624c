import type { ConnectionDetail } from '#contracts/agents.ts'
import { Failure } from '#contracts/errors.ts'
import { ServerInfo } from '#contracts/server-info.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { credentialStates } from './credentials.ts'
import { connectionTools, PINS_SELECT } from './pins.ts'
import { CONNECTION_INCLUDE, connectionView } from './view.ts'

const CHECKS = 500
const DAY_MS = 24 * 3_600_000

/** All of one of the actor's own connections, an ended one as well. Throws AppError NOT_FOUND. */
export async function getConnection({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<ConnectionDetail> {
  return withActor(ctx.actor, (db) => connectionDetail(db, input.id))
}

/** The same within a transaction. */
export async function connectionDetail(db: Db, id: string): Promise<ConnectionDetail> {
  const cursor = await currentCursor(db)
  const row = await db.connection.findFirst({
    where: { id, server: { deletedAt: null } },
    include: { ...CONNECTION_INCLUDE, credentials: { orderBy: { name: 'asc' } } },
  })
  if (!row) throw new AppError('NOT_FOUND', `no connection ${id}`)
  const pinned = await db.connection.findUniqueOrThrow({ where: { id }, select: PINS_SELECT })
  const server = await db.mcpServer.findUniqueOrThrow({
    where: { id: row.serverId },
    select: { userCredentials: true, serverInfo: true, era: true, transport: true },
  })
  const { tools: _, ...view } = connectionView(row)
  const info = ServerInfo.parse(server.serverInfo)
  return {
    ...view,
    cursor,
    settings: {
      timeoutMs: row.timeoutMs,
      retries: row.retries,
      logArguments: row.logArguments,
      callsPerMinute: row.callsPerMinute,
      maxConcurrent: row.maxConcurrent,
      pinPolicy: row.pinPolicy,
    },
    credentials: credentialStates(server, row.credentials),
    takesHeaders: server.transport !== 'stdio',
    tools: connectionTools(pinned),
    checks: await checksOf(db, row),
    calls: await callsOf(db, row),
    nextCheckAt: row.state === 'disconnected' ? null : row.nextCheckAt.toISOString(),
    protocol: info?.protocolVersion ? { version: info.protocolVersion, era: server.era } : null,
  }
}

/** A connection that was made anew goes on with the history of those before it. */
async function checksOf(
  db: Db,
  { agentId, serverId }: { agentId: string; serverId: string },
): Promise<ConnectionDetail['checks']> {
  const rows = await db.connectionCheck.findMany({
    where: { connection: { agentId, serverId }, at: { gt: new Date(Date.now() - 7 * DAY_MS) } },
    orderBy: { at: 'desc' },
    take: CHECKS,
  })
  return rows.map(({ at, ok, latencyMs, failure, attempt }) => ({
    at: at.toISOString(),
    ok,
    latencyMs,
    failure: failure === null ? null : Failure.parse(failure),
    attempt,
  }))
}

async function callsOf(
  db: Db,
  { agentId, serverId }: { agentId: string; serverId: string },
): Promise<ConnectionDetail['calls']> {
  const groups = await db.call.groupBy({
    by: ['outcome'],
    where: { agentId, serverId, at: { gt: new Date(Date.now() - DAY_MS) } },
    _count: true,
  })
  const total = groups.reduce((sum, { _count }) => sum + _count, 0)
  const ok = groups.find(({ outcome }) => outcome === 'ok')?._count ?? 0
  return { total, failed: total - ok }
}
