import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import type { InvitedUser, InviteUser } from '#contracts/users.ts'
import { recordAudit } from '#server/audit/record.ts'
import { hashPassword } from '#server/auth/passwords.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError, isUniqueViolation } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { USER_SELECT, userView } from './view.ts'

/** Makes a user. Without a password one is made and is in this answer only. Throws AppError EMAIL_TAKEN. */
export async function inviteUser({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: z.output<typeof InviteUser>
}): Promise<z.infer<typeof InvitedUser>> {
  const made = input.password === undefined ? randomBytes(15).toString('base64url') : null
  const passwordHash = await hashPassword(input.password ?? made ?? '')
  try {
    return await withActor(ctx.actor, async (db) => {
      const row = await db.user.create({
        data: { email: input.email, name: input.name || null, role: input.role, passwordHash },
        select: USER_SELECT,
      })
      await emit(db, { type: 'user.updated', subjectId: row.id, audience: ['admins'] })
      await recordAudit(db, ctx, {
        action: 'user.invite',
        subjectType: 'user',
        subjectId: row.id,
        detail: { email: row.email, role: row.role },
      })
      return { ...userView(row), password: made }
    })
  } catch (error) {
    if (isUniqueViolation(error, 'users_email_unique'))
      throw new AppError('EMAIL_TAKEN', 'e-mail taken', {
        fields: { email: ['There is a user with this address already.'] },
        cause: error,
      })
    throw error
  }
}
