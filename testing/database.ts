import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

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
  const name = `test_${randomBytes(6).toString('hex')}`
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
    drop: () => withAdmin(adminUrl, (admin) => admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)),
  }
}

/** Runs SQL as a superuser in a database: for arranging and counting what row-level security would hide. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  let rows: Row[] = []
  await withAdmin(url, async (client) => {
    rows = (await client.query<Row>(sql, values)).rows
  })
  return rows
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
