import { z } from 'zod'
import { Text } from '#contracts/names.ts'
import type { Role } from '#contracts/users.ts'
import { NOBODY } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { forgetSignInAttempts, takeSignInAttempt } from './attempts.ts'
import { hashPassword, verifyPassword } from './passwords.ts'

export interface SignedIn {
  id: string
  email: string
  name: string | null
  role: Role
  sessionVersion: number
}

interface Row {
  id: string
  email: string
  name: string | null
  role: Role
  password_hash: string
  session_version: number
  disabled: boolean
}

const Credentials = z.object({
  email: Text.trim().min(1).max(254),
  password: z.string().min(1).max(256),
})

let decoy: Promise<string> | undefined

/**
 * Checks e-mail and password. Throws AppError CREDENTIALS_INVALID (the same for an unknown address, a wrong password and a disabled
 * user, after the same work) or TOO_MANY_ATTEMPTS.
 */
export async function signIn(input: unknown, client: string): Promise<SignedIn> {
  const parsed = Credentials.safeParse(input)
  if (!parsed.success) throw new AppError('CREDENTIALS_INVALID', 'malformed credentials')
  const { email, password } = parsed.data
  await takeSignInAttempt(email, client)
  const rows = await withActor(
    NOBODY,
    (db) => db.$queryRaw<Row[]>`SELECT * FROM app.sign_in_lookup(${email})`,
  )
  const [row] = rows
  decoy ??= hashPassword('decoy')
  const right = await verifyPassword(row?.password_hash ?? (await decoy), password)
  if (!row || !right || row.disabled) throw new AppError('CREDENTIALS_INVALID', 'wrong credentials')
  await forgetSignInAttempts(email, client)
  return { id: row.id, email: row.email, name: row.name, role: row.role, sessionVersion: row.session_version }
}
