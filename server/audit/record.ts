import type { Ctx } from '#server/context.ts'
import { actorName } from '#server/context.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'

export interface AuditFact {
  /** `<noun>.<verb>`, e.g. `server.deploy`. */
  action: string
  subjectType:
    | 'server'
    | 'deployment'
    | 'toolbox'
    | 'agent'
    | 'connection'
    | 'user'
    | 'apiKey'
    | 'registry'
    | 'catalogEntry'
    | 'cloud'
  subjectId: string | null
  /** Never a secret. */
  detail?: Prisma.InputJsonObject
}

/** Appends to the audit in the transaction of the change itself: a change that is not audited does not happen. */
export async function recordAudit(db: Db, ctx: Ctx, fact: AuditFact): Promise<void> {
  const row = {
    actor: actorName(ctx.actor),
    action: fact.action,
    subjectType: fact.subjectType,
    subjectId: fact.subjectId,
    detail: { ...fact.detail, requestId: ctx.requestId },
  }
  // Without RETURNING: users may add to the audit but not read it.
  await db.$executeRaw`INSERT INTO audit_entries (actor, action, subject_type, subject_id, detail)
    VALUES (${row.actor}, ${row.action}, ${row.subjectType}, ${row.subjectId}, ${JSON.stringify(row.detail)}::jsonb)`
}
