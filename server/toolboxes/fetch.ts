import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'

/** A toolbox that is not deleted; `lock` holds back others that change it. Throws AppError NOT_FOUND, TOOLBOX_STATE_FORBIDS. */
export async function fetchToolbox(db: Db, id: string, options: { lock?: boolean; deleting?: boolean } = {}) {
  if (options.lock) await db.$queryRaw`SELECT id FROM toolboxes WHERE id = ${id}::uuid FOR NO KEY UPDATE`
  const row = await db.toolbox.findFirst({ where: { id, deletedAt: null } })
  if (!row) throw new AppError('NOT_FOUND', `no toolbox ${id}`)
  if (row.state === 'deleting' && !options.deleting)
    throw new AppError('TOOLBOX_STATE_FORBIDS', `${row.name} is being deleted`, {
      detail: 'It is being deleted.',
    })
  return row
}
