import type { z } from 'zod'
import type { UpdateUser, User } from '#contracts/users.ts'
import { recordAudit } from '#server/audit/record.ts'
import { forgetSignInAttempts, takeSignInAttempt } from '#server/auth/attempts.ts'
import { hashPassword, verifyPassword } from '#server/auth/passwords.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { USER_SELECT, userView } from './view.ts'

/**
 * Changes a user as an admin. A new password, a new role or a disabled user ends the sessions that there are. Throws AppError
 * NOT_FOUND, LAST_ADMIN.
 */
export async function updateUser({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: z.output<typeof UpdateUser>
}): Promise<User> {
  const passwordHash = input.password === undefined ? undefined : await hashPassword(input.password)
  return withActor(ctx.actor, async (db) => {
    // Two admins who demote each other at once: the second sees what the first has done.
    await db.$queryRaw`SELECT id FROM users WHERE role = 'ADMIN' ORDER BY id FOR UPDATE`
    const before = await db.user.findUnique({ where: { id: input.id }, select: USER_SELECT })
    if (!before) throw new AppError('NOT_FOUND', `no user ${input.id}`)
    if (input.role === 'USER' || input.disabled === true) await requireAnotherAdmin(db, before)
    const endsSessions =
      passwordHash !== undefined ||
      (input.role !== undefined && input.role !== before.role) ||
      (input.disabled === true && before.disabledAt === null)
    const row = await db.user.update({
      where: { id: input.id },
      data: {
        ...(input.name !== undefined && { name: input.name || null }),
        ...(input.role !== undefined && { role: input.role }),
        ...(input.disabled !== undefined && {
          disabledAt: input.disabled ? (before.disabledAt ?? new Date()) : null,
        }),
        ...(passwordHash !== undefined && { passwordHash }),
        ...(endsSessions && { sessionVersion: { increment: 1 } }),
      },
      select: USER_SELECT,
    })
    await note(db, ctx, 'user.update', input.id, {
      fields: Object.keys(input).filter((name) => name !== 'id'),
    })
    return userView(row)
  })
}

/** Changes one's own password, which ends every session, this one too. Throws AppError BAD_REQUEST, TOO_MANY_ATTEMPTS. */
export async function changePassword({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { current: string; next: string }
}): Promise<User> {
  const stored = await withActor(ctx.actor, (db) =>
    db.user.findUniqueOrThrow({ where: { id: ctx.actor.userId }, select: { passwordHash: true } }),
  )
  // A session that was stolen must not serve to guess the password.
  const attempts = `password-of:${ctx.actor.userId}`
  await takeSignInAttempt(attempts, attempts)
  if (!(await verifyPassword(stored.passwordHash, input.current)))
    throw new AppError('BAD_REQUEST', 'current password is wrong', {
      fields: { current: ['This is not your password.'] },
    })
  await forgetSignInAttempts(attempts, attempts)
  const passwordHash = await hashPassword(input.next)
  return withActor(ctx.actor, async (db) => {
    const row = await db.user.update({
      where: { id: ctx.actor.userId },
      data: { passwordHash, sessionVersion: { increment: 1 } },
      select: USER_SELECT,
    })
    await note(db, ctx, 'user.changePassword', row.id, {})
    return userView(row)
  })
}

async function requireAnotherAdmin(
  db: Db,
  user: { id: string; role: string; disabledAt: Date | null },
): Promise<void> {
  if (user.role !== 'ADMIN' || user.disabledAt !== null) return
  const others = await db.user.count({ where: { role: 'ADMIN', disabledAt: null, id: { not: user.id } } })
  if (others === 0) throw new AppError('LAST_ADMIN', 'last admin')
}

async function note(
  db: Db,
  ctx: UserCtx,
  action: string,
  id: string,
  detail: Record<string, string[]>,
): Promise<void> {
  await emit(db, { type: 'user.updated', subjectId: id, audience: ['admins', `user:${id}`] })
  await recordAudit(db, ctx, { action, subjectType: 'user', subjectId: id, detail })
}
