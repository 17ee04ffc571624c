import type { z } from 'zod'
import type { AvailableList, ConnectionList } from '#contracts/agents.ts'
import { ServerInfo } from '#contracts/server-info.ts'
import { UserCredentials } from '#contracts/user-credentials.ts'
import { fetchAgent } from '#server/agents/fetch.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { CONNECTION_INCLUDE, connectionView, TOOLS_SELECT, toolLines } from './view.ts'

type Input = { agentId: string }

/** The connections of one's own agent, oldest first. Throws AppError NOT_FOUND. */
export async function listConnections({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: Input
}): Promise<z.infer<typeof ConnectionList>> {
  return withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    await fetchAgent(db, input.agentId)
    const rows = await db.connection.findMany({
      where: { agentId: input.agentId, state: { not: 'disconnected' }, server: { deletedAt: null } },
      orderBy: { createdAt: 'asc' },
      include: CONNECTION_INCLUDE,
    })
    return { cursor, items: rows.map(connectionView) }
  })
}

/** Servers that went live and that the user may see, with what they offer, and whether this agent is connected. */
export async function listAvailable({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: Input
}): Promise<z.infer<typeof AvailableList>> {
  return withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    await fetchAgent(db, input.agentId)
    const servers = await db.mcpServer.findMany({
      where: { deletedAt: null, desired: 'running', liveInstanceId: { not: null } },
      orderBy: { name: 'asc' },
      select: {
        id: true,
        name: true,
        description: true,
        observed: true,
        categories: true,
        userCredentials: true,
        transport: true,
        serverInfo: true,
        tools: TOOLS_SELECT,
      },
    })
    const connected = await db.connection.findMany({
      where: { agentId: input.agentId, state: { not: 'disconnected' } },
      select: { id: true, serverId: true },
    })
    const byServer = new Map(connected.map(({ id, serverId }) => [serverId, id]))
    return {
      cursor,
      items: servers.map((server) => ({
        id: server.id,
        name: server.name,
        description: server.description,
        state: server.observed,
        tools: toolLines(server.tools),
        connectionId: byServer.get(server.id) ?? null,
        categories: server.categories,
        capabilities: Object.keys(ServerInfo.parse(server.serverInfo)?.capabilities ?? {}),
        userCredentials: UserCredentials.parse(server.userCredentials),
        takesHeaders: server.transport !== 'stdio',
      })),
    }
  })
}
