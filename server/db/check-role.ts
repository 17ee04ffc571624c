import { EnvError } from '#server/env.ts'
import { prisma } from './client.ts'

interface RoleFacts {
  name: string
  superuser: boolean
  bypass: boolean
  owned: number
  known: boolean
}

/**
 * Refuses to go on as a database user that row-level security does not bind: superuser, BYPASSRLS, or owner of a table, the last
 * two also by being a member of such a role. Throws EnvError.
 */
export async function checkDatabaseRole(): Promise<void> {
  const [facts] = await prisma().$queryRaw<RoleFacts[]>`
    SELECT current_user::text AS name, r.rolsuper AS superuser,
      EXISTS (SELECT FROM pg_roles m WHERE (m.rolbypassrls OR m.rolsuper) AND pg_has_role(current_user, m.oid, 'MEMBER')) AS bypass,
      (SELECT count(*)::int FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind = 'r' AND pg_has_role(current_user, c.relowner, 'MEMBER')) AS owned,
      to_regclass('public.mcp_servers') IS NOT NULL AS known
    FROM pg_roles r WHERE r.rolname = current_user`
  if (!facts) throw new EnvError('DATABASE_URL: the user is unknown to the database')
  if (!facts.known)
    throw new EnvError('DATABASE_URL: the database has no Toolberth tables; run the migrations first')
  const why = facts.superuser
    ? 'is a superuser'
    : facts.bypass
      ? 'may bypass row-level security'
      : facts.owned > 0
        ? 'owns the tables'
        : null
  if (why)
    throw new EnvError(
      `DATABASE_URL: the user "${facts.name}" ${why}; use the app user (toolberth_app), which row-level security binds`,
    )
}
