import { recordAudit } from '#server/audit/record.ts'
import type { Ctx } from '#server/context.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'

/** What every change of an entry leaves behind: an event for the pages and an entry of the audit. */
export async function noteEntry(
  db: Db,
  ctx: Ctx,
  action: 'catalog.create' | 'catalog.update' | 'catalog.delete' | 'catalog.import',
  entry: { id: string; slug: string; title: string },
  detail: Prisma.InputJsonObject = {},
): Promise<void> {
  await emit(db, {
    type: 'catalog.updated',
    subjectId: entry.id,
    audience: ['admins'],
    data: { title: entry.title, ...(action === 'catalog.delete' && { state: 'deleted' }) },
  })
  await auditEntry(db, ctx, action, entry, detail)
}

/** The audit's part alone: what comes with an installation is no news to its pages. */
export async function auditEntry(
  db: Db,
  ctx: Ctx,
  action: Parameters<typeof noteEntry>[2],
  entry: { id: string; slug: string },
  detail: Prisma.InputJsonObject = {},
): Promise<void> {
  await recordAudit(db, ctx, {
    action,
    subjectType: 'catalogEntry',
    subjectId: entry.id,
    detail: { slug: entry.slug, ...detail },
  })
}
