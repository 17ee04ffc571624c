import type { z } from 'zod'
import type { ApiKey, ApiKeyWithSecret, CreateApiKey } from '#contracts/users.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { hashToken, newToken, tokenPrefix } from '#server/secrets/tokens.ts'
import { API_KEY_SELECT, apiKeyView } from '#server/users/view.ts'

const DAY_MS = 24 * 60 * 60_000

/** Makes a key for oneself. The key is in this answer only. */
export async function createApiKey({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: z.output<typeof CreateApiKey>
}): Promise<z.infer<typeof ApiKeyWithSecret>> {
  const key = newToken('tbk')
  return withActor(ctx.actor, async (db) => {
    const row = await db.apiKey.create({
      data: {
        userId: ctx.actor.userId,
        name: input.name,
        prefix: tokenPrefix(key),
        hash: hashToken(key),
        expiresAt: input.expiresInDays === null ? null : new Date(Date.now() + input.expiresInDays * DAY_MS),
      },
      select: API_KEY_SELECT,
    })
    await recordAudit(db, ctx, {
      action: 'apiKey.create',
      subjectType: 'apiKey',
      subjectId: row.id,
      detail: { name: row.name },
    })
    return { ...apiKeyView(row), key }
  })
}

/** One's own keys, newest first. */
export async function listApiKeys({ ctx }: { ctx: UserCtx }): Promise<z.infer<typeof ApiKey>[]> {
  const rows = await withActor(ctx.actor, (db) =>
    db.apiKey.findMany({ orderBy: { createdAt: 'desc' }, select: API_KEY_SELECT }),
  )
  return rows.map(apiKeyView)
}

/** Ends a key at once. Idempotent. Throws AppError NOT_FOUND. */
export async function revokeApiKey({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<z.infer<typeof ApiKey>> {
  return withActor(ctx.actor, async (db) => {
    const { count } = await db.apiKey.updateMany({
      where: { id: input.id, revokedAt: null },
      data: { revokedAt: new Date() },
    })
    const row = await db.apiKey.findUnique({ where: { id: input.id }, select: API_KEY_SELECT })
    if (!row) throw new AppError('NOT_FOUND', `no API key ${input.id}`)
    if (count > 0) {
      await emit(db, {
        type: 'apiKey.updated',
        subjectId: row.id,
        audience: [`user:${ctx.actor.userId}`],
        data: { revoked: true },
      })
      await recordAudit(db, ctx, {
        action: 'apiKey.revoke',
        subjectType: 'apiKey',
        subjectId: row.id,
        detail: { name: row.name },
      })
    }
    return apiKeyView(row)
  })
}
