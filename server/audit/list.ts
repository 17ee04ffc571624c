import type { z } from 'zod'
import type { AuditEntry } from '#contracts/users.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'

/** Newest first; `before` is the id of the last entry of the page before. */
export async function listAudit({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { limit: number; before?: string | undefined }
}): Promise<z.infer<typeof AuditEntry>[]> {
  const rows = await withActor(ctx.actor, (db) =>
    db.auditEntry.findMany({
      where: input.before === undefined ? {} : { id: { lt: BigInt(input.before) } },
      orderBy: { id: 'desc' },
      take: input.limit,
    }),
  )
  return rows.map((row) => ({
    id: String(row.id),
    at: row.at.toISOString(),
    actor: row.actor,
    action: row.action,
    subjectType: row.subjectType,
    subjectId: row.subjectId,
    detail: row.detail as Record<string, unknown>,
  }))
}
