import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'

/** Forgets the credentials of a registry; what runs goes on. Throws AppError NOT_FOUND. */
export async function deleteRegistry({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<{ id: string }> {
  return withActor(ctx.actor, async (db) => {
    const rows = await db.$queryRaw<{ host: string }[]>`
      DELETE FROM registry_credentials WHERE id = ${input.id}::uuid RETURNING host`
    const [row] = rows
    if (!row) throw new AppError('NOT_FOUND', `no registry ${input.id}`)
    await emit(db, {
      type: 'registry.updated',
      subjectId: input.id,
      audience: ['admins'],
      data: { name: row.host, state: 'removed' },
    })
    await recordAudit(db, ctx, {
      action: 'registry.delete',
      subjectType: 'registry',
      subjectId: input.id,
      detail: { host: row.host },
    })
    return { id: input.id }
  })
}
