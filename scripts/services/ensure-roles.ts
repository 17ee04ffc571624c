import { readFileSync } from 'node:fs'
import pg from 'pg'

/** Passwords of the two roles that can sign in. */
export type RolePasswords = { ownerPassword: string; appPassword: string }

/**
 * Makes the roles `toolberth_owner`, `toolberth_app` and `toolberth_definer`, or brings them back to what `roles.sql` says.
 * `admin` is a connected client of a superuser; any database of the cluster will do, roles belong to all of them.
 */
export async function ensureRoles(
  admin: pg.Client,
  { ownerPassword, appPassword }: RolePasswords,
): Promise<void> {
  const sql = readFileSync(new URL('roles.sql', import.meta.url), 'utf8')
    .replaceAll(":'owner_password'", () => pg.escapeLiteral(ownerPassword))
    .replaceAll(":'app_password'", () => pg.escapeLiteral(appPassword))
  // A failing statement is logged with its text by default, and this text holds passwords.
  await admin.query('SET log_min_error_statement = panic')
  await admin.query(sql)
}

/** Makes an empty database owned by `toolberth_owner` that only the app role may also use. Does nothing when it exists. */
export async function ensureDatabase(admin: pg.Client, name = 'toolberth'): Promise<void> {
  const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [name])
  const database = pg.escapeIdentifier(name)
  if (!rowCount)
    await admin.query(`CREATE DATABASE ${database} OWNER toolberth_owner TEMPLATE template0 ENCODING 'UTF8'`)
  await admin.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`)
  await admin.query(`GRANT CONNECT ON DATABASE ${database} TO toolberth_app`)
}
