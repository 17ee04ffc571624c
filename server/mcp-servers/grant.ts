import type { ServerSummary } from '#contracts/servers.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { fetchAdminSummary, fetchServer } from './fetch.ts'

interface Input {
  id: string
  userId: string
}

/** Lets a user use a restricted server. Idempotent. Throws AppError NOT_FOUND. */
export async function grantServer({ ctx, input }: { ctx: UserCtx; input: Input }): Promise<ServerSummary> {
  return withActor(ctx.actor, async (db) => {
    await fetchServer(db, input.id)
    const user = await db.user.findUnique({ where: { id: input.userId }, select: { email: true } })
    if (!user)
      throw new AppError('NOT_FOUND', `no user ${input.userId}`, {
        fields: { userId: ['There is no such user.'] },
      })
    const { count } = await db.serverGrant.createMany({
      data: { serverId: input.id, userId: input.userId },
      skipDuplicates: true,
    })
    if (count > 0) await note(db, ctx, 'server.grant', input, user.email)
    return fetchAdminSummary(db, input.id)
  })
}

/** Takes the right back, which also ends the user's connections to it. Idempotent. Throws AppError NOT_FOUND. */
export async function revokeServer({ ctx, input }: { ctx: UserCtx; input: Input }): Promise<ServerSummary> {
  return withActor(ctx.actor, async (db) => {
    await fetchServer(db, input.id)
    const user = await db.user.findUnique({ where: { id: input.userId }, select: { email: true } })
    const { count } = await db.serverGrant.deleteMany({ where: { serverId: input.id, userId: input.userId } })
    if (count > 0) await note(db, ctx, 'server.revoke', input, user?.email ?? input.userId)
    return fetchAdminSummary(db, input.id)
  })
}

async function note(db: Db, ctx: UserCtx, action: string, input: Input, email: string): Promise<void> {
  await emit(db, {
    type: 'server.updated',
    subjectId: input.id,
    serverId: input.id,
    audience: ['admins', `user:${input.userId}`],
    data: {},
  })
  await recordAudit(db, ctx, { action, subjectType: 'server', subjectId: input.id, detail: { user: email } })
}
