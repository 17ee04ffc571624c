import { API_KEY_PATTERN } from '#contracts/tokens.ts'
import type { Role } from '#contracts/users.ts'
import { NOBODY, type UserActor, userActor } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { hashToken } from '#server/secrets/tokens.ts'

interface Row {
  id: string
  email: string
  name: string | null
  role: Role
}

/** The user of a session, by what its JWT says; null once the password was changed or the user disabled. */
export async function actorOfSession(userId: string, sessionVersion: number): Promise<UserActor | null> {
  const rows = await withActor(
    NOBODY,
    (db) => db.$queryRaw<Row[]>`SELECT * FROM app.session_lookup(${userId}::uuid, ${sessionVersion}::int)`,
  )
  return rows[0] ? userActor(rows[0]) : null
}

/** The user of an API key; null for one that is unknown, revoked or expired, or whose user is disabled. */
export async function actorOfApiKey(key: string): Promise<UserActor | null> {
  if (!API_KEY_PATTERN.test(key)) return null
  const rows = await withActor(
    NOBODY,
    (db) => db.$queryRaw<(Row & { key_id: string })[]>`SELECT * FROM app.api_key_lookup(${hashToken(key)})`,
  )
  return rows[0] ? { ...userActor(rows[0]), keyId: rows[0].key_id } : null
}
