import type { ServerSummary } from '#contracts/servers.ts'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { ADMIN_INCLUDE, adminSummary } from './view.ts'

/** A server that is not deleted and that the transaction's actor may see. Throws AppError NOT_FOUND. */
export async function fetchServer(db: Db, id: string) {
  const server = await db.mcpServer.findFirst({ where: { id, deletedAt: null } })
  if (!server) throw new AppError('NOT_FOUND', `no server ${id}`)
  return server
}

/** As an admin sees it in a list; also one that was just deleted. */
export async function fetchAdminSummary(db: Db, id: string): Promise<ServerSummary> {
  return adminSummary(await db.mcpServer.findUniqueOrThrow({ where: { id }, include: ADMIN_INCLUDE }))
}
