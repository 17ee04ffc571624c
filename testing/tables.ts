import { query } from '#testing/database.ts'

const TABLES = `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> '_prisma_migrations' ORDER BY 1`

/** Names of all tables of ours. */
export async function tableNames(adminUrl: string): Promise<string[]> {
  return (await query<{ name: string }>(adminUrl, TABLES)).map(({ name }) => name)
}

/** Rows of every table, past row-level security. */
export async function countRows(adminUrl: string): Promise<Record<string, number>> {
  const rows = await overTables<{ name: string; n: number }>(
    adminUrl,
    (name) => `SELECT '${name}' AS name, count(*)::int AS n FROM public.${name}`,
  )
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]))
}

/** Rows of every table and a checksum of all they hold, to show that nothing at all has changed. */
export async function checksumTables(
  adminUrl: string,
  options: { except?: readonly string[] } = {},
): Promise<Record<string, string>> {
  const rows = await overTables<{ name: string; sum: string }>(
    adminUrl,
    (name) => `SELECT '${name}' AS name,
      count(*) || ':' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') AS sum FROM public.${name} t`,
  )
  return Object.fromEntries(
    rows.filter(({ name }) => !options.except?.includes(name)).map(({ name, sum }) => [name, sum]),
  )
}

async function overTables<Row extends Record<string, unknown>>(
  adminUrl: string,
  select: (name: string) => string,
): Promise<Row[]> {
  const names = await tableNames(adminUrl)
  return query<Row>(adminUrl, names.map(select).join(' UNION ALL '))
}
