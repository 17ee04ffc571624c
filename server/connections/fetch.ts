import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'

/** One of the actor's own connections, ended ones as well. Throws AppError NOT_FOUND. */
export async function fetchConnection(db: Db, id: string) {
  const row = await db.connection.findFirst({
    where: { id, server: { deletedAt: null } },
    include: { server: { select: { transport: true, userCredentials: true } } },
  })
  if (!row) throw new AppError('NOT_FOUND', `no connection ${id}`)
  return row
}
