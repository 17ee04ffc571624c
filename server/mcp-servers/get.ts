import type { z } from 'zod'
import type { ServerDetail, ServerGet } from '#contracts/servers.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { listDeployments } from '#server/deployments/list.ts'
import { REVISION_INCLUDE, revisionView } from '#server/deployments/view.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { fetchAdminSummary, fetchServer } from './fetch.ts'
import { PUBLIC_INCLUDE, publicSummary, serverInfoOf, toolsOf } from './view.ts'

/** One server: for users what it is and offers, for admins also how it is run. Throws AppError NOT_FOUND. */
export async function getServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<z.infer<typeof ServerGet>> {
  return withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const server = await fetchServer(db, input.id)
    const tools = await db.mcpServerTool.findMany({
      where: { serverId: server.id },
      orderBy: { position: 'asc' },
    })
    const common = { cursor, serverInfo: serverInfoOf(server), tools: toolsOf(tools) }
    if (ctx.actor.kind !== 'admin') {
      const row = await db.mcpServer.findUniqueOrThrow({ where: { id: server.id }, include: PUBLIC_INCLUDE })
      return {
        ...publicSummary(row),
        ...common,
        connectionCount: 0,
        revision: null,
        deployments: [],
        instance: null,
        grants: [],
      }
    }
    const [counted] = await db.$queryRaw<
      { n: number }[]
    >`SELECT app.connection_count(${server.id}::uuid) AS n`
    return {
      ...(await fetchAdminSummary(db, server.id)),
      ...common,
      connectionCount: counted?.n ?? 0,
      revision: await latestRevision(db, server.id),
      deployments: await listDeployments({ ctx, input }),
      instance: await currentInstance(db, server),
      grants: await grantsOf(db, server.id),
    }
  })
}

async function latestRevision(db: Db, serverId: string): Promise<ServerDetail['revision']> {
  const revision = await db.revision.findFirst({
    where: { serverId },
    orderBy: { number: 'desc' },
    include: REVISION_INCLUDE,
  })
  return revision && revisionView(revision)
}

/** The live instance; before there is one, the newest that is not gone. */
async function currentInstance(
  db: Db,
  server: { id: string; liveInstanceId: string | null },
): Promise<ServerDetail['instance']> {
  const include = { revision: { select: { number: true } } }
  const row = server.liveInstanceId
    ? await db.instance.findUnique({ where: { id: server.liveInstanceId }, include })
    : await db.instance.findFirst({
        where: { serverId: server.id, goneAt: null },
        orderBy: { createdAt: 'desc' },
        include,
      })
  if (!row) return null
  return {
    id: row.id,
    state: row.observed,
    restarts: row.restarts,
    startedAt: row.startedAt?.toISOString() ?? null,
    memoryBytes: row.memoryBytes === null ? null : Number(row.memoryBytes),
    resolvedVersion: row.resolvedVersion,
    revisionNumber: row.revision.number,
  }
}

async function grantsOf(db: Db, serverId: string): Promise<ServerDetail['grants']> {
  const rows = await db.serverGrant.findMany({
    where: { serverId },
    include: { user: { select: { email: true } } },
    orderBy: { createdAt: 'asc' },
  })
  return rows.map((row) => ({ userId: row.userId, email: row.user.email }))
}
