import type { User } from '#contracts/users.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { USER_SELECT, userView } from './view.ts'

/** Every user, by e-mail. */
export async function listUsers({ ctx }: { ctx: UserCtx }): Promise<User[]> {
  const rows = await withActor(ctx.actor, (db) =>
    db.user.findMany({ orderBy: { email: 'asc' }, select: USER_SELECT }),
  )
  return rows.map(userView)
}

/** Who is asking. */
export async function getMe({ ctx }: { ctx: UserCtx }): Promise<User> {
  const row = await withActor(ctx.actor, (db) =>
    db.user.findUnique({ where: { id: ctx.actor.userId }, select: USER_SELECT }),
  )
  if (!row) throw new AppError('UNAUTHENTICATED', 'user is gone')
  return userView(row)
}
