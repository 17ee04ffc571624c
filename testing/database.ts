import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

const PREFIX = 'test_'

export type TestDatabase = {
  /** Database name, unique in the run. */
  name: string
  /** `toolberth_app`: what the processes use. */
  appUrl: string
  /** `toolberth_owner`: owns the tables. */
  ownerUrl: string
  /** Superuser: sees every row. */
  adminUrl: string
  /** Ends every connection to it and removes it. */
  drop(): Promise<void>
}

/** A database of the suite's own, cloned from the migrated template (about 50 ms). */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { adminUrl, ownerUrl, appUrl } = inject('postgres')
  const name = `${PREFIX}${randomBytes(6).toString('hex')}`
  await withAdmin(adminUrl, async (admin) => {
    const template = databaseOf(ownerUrl)
    await admin.query(`CREATE DATABASE "${name}" OWNER toolberth_owner TEMPLATE "${template}"`)
    // A clone has its template's content, not its rights.
    await admin.query(`REVOKE ALL ON DATABASE "${name}" FROM PUBLIC`)
    await admin.query(`GRANT CONNECT ON DATABASE "${name}" TO toolberth_app`)
  })
  return {
    name,
    appUrl: withDatabase(appUrl, name),
    ownerUrl: withDatabase(ownerUrl, name),
    adminUrl: withDatabase(adminUrl, name),
    async drop() {
      await closePools(name)
      await withAdmin(adminUrl, (admin) => admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`))
    },
  }
}

/** Runs SQL as a superuser in a database: for arranging and counting what row-level security would hide. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  // A connection that stays would keep any other database from being cloned or dropped.
  if (databaseOf(url).startsWith(PREFIX)) return (await poolOf(url).query<Row>(sql, values)).rows
  let rows: Row[] = []
  await withAdmin(url, async (client) => {
    rows = (await client.query<Row>(sql, values)).rows
  })
  return rows
}

/** To the suite's own databases: a connection for each question would cost more than the question. */
const pools = new Map<string, pg.Pool>()

function poolOf(url: string): pg.Pool {
  let pool = pools.get(url)
  if (pool === undefined) {
    pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 10_000, allowExitOnIdle: true })
    pool.on('error', () => undefined)
    pools.set(url, pool)
  }
  return pool
}

async function closePools(database: string): Promise<void> {
  for (const [url, pool] of pools) {
    if (databaseOf(url) !== database) continue
    pools.delete(url)
    await pool.end()
  }
}

async function withAdmin(url: string, use: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await use(client)
  } finally {
    await client.end()
  }
}

const databaseOf = (url: string): string => new URL(url).pathname.slice(1)

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
