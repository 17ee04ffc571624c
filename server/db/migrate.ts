import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { connectionFailure } from './connection-failure.ts'

/** A database that cannot be migrated as it is. The message is one line for the person who runs it. */
export class MigrationError extends Error {
  override name = 'MigrationError'
}

type Migration = { name: string; sql: string }

/** The lock that Prisma's own `migrate deploy` takes, so that the two wait for each other. */
const PRISMA_ADVISORY_LOCK = 72707369
/** `transaction_timeout` (17) is what the event tail's ordering leans on. */
const OLDEST_POSTGRES = 17
const ROLES = ['toolberth_owner', 'toolberth_app', 'toolberth_definer']

/** Prisma's own table, column for column: `prisma migrate deploy` and this can take turns on one database. */
const MIGRATIONS_TABLE = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                  VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum            VARCHAR(64) NOT NULL,
    finished_at         TIMESTAMPTZ,
    migration_name      VARCHAR(255) NOT NULL,
    logs                TEXT,
    rolled_back_at      TIMESTAMPTZ,
    started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
  )`

/**
 * Applies the migrations of `prisma/migrations` that the database does not have yet, each in a transaction of its own, as
 * the owner user. Several callers at once wait for each other. Answers the names applied.
 * Throws `MigrationError` when the database cannot be reached, was migrated by a newer version, had an applied migration
 * edited afterwards, or refuses a migration (which then leaves nothing behind).
 */
export async function migrate({
  ownerUrl,
  log,
  folder = fileURLToPath(new URL('../../prisma/migrations', import.meta.url)),
}: {
  ownerUrl: string
  log: (line: string) => void
  folder?: string
}): Promise<string[]> {
  const client = await connect(ownerUrl)
  try {
    await checkServer(client)
    await client.query('SELECT pg_advisory_lock($1)', [PRISMA_ADVISORY_LOCK])
    await client.query(MIGRATIONS_TABLE)
    const known = readMigrations(folder)
    const applied = await readApplied(client)
    checkHistory(known, applied)
    const pending = known.filter(({ name }) => !applied.has(name))
    for (const migration of pending) {
      await apply(client, migration)
      log(`Applied migration ${migration.name}`)
    }
    return pending.map(({ name }) => name)
  } finally {
    // Ends the session, and with it the advisory lock.
    await client.end().catch(() => undefined)
  }
}

async function connect(ownerUrl: string): Promise<pg.Client> {
  try {
    const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 })
    client.on('error', () => undefined)
    await client.connect()
    return client
  } catch (error) {
    throw new MigrationError(
      `Cannot connect to the database for migrations (DATABASE_OWNER_URL): ${connectionFailure(ownerUrl, error)}.`,
    )
  }
}

async function checkServer(client: pg.Client): Promise<void> {
  const version = await client.query<{ major: number }>(
    "SELECT current_setting('server_version_num')::int / 10000 AS major",
  )
  const major = version.rows[0]?.major ?? 0
  if (major < OLDEST_POSTGRES) {
    throw new MigrationError(`This is Postgres ${major}; Toolberth needs ${OLDEST_POSTGRES} or newer.`)
  }
  const roles = await client.query<{ rolname: string }>(
    'SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)',
    [ROLES],
  )
  const missing = ROLES.filter((role) => !roles.rows.some(({ rolname }) => rolname === role))
  if (missing.length > 0) {
    throw new MigrationError(
      `The database lacks the role ${missing.join(', ')}; run scripts/services/roles.sql on it first.`,
    )
  }
}

/** Every folder with a `migration.sql`, oldest first: their names start with a time. */
function readMigrations(folder: string): Migration[] {
  if (!existsSync(folder)) throw new MigrationError(`There are no migrations in ${folder}.`)
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'migration.sql')))
    .map(({ name }) => ({ name, sql: readFileSync(join(folder, name, 'migration.sql'), 'utf8') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Checksums of applied migrations by name. */
async function readApplied(client: pg.Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ migration_name: string; checksum: string; finished: boolean }>(
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished
       FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
  )
  const failed = rows.find(({ finished }) => !finished)
  if (failed) {
    throw new MigrationError(
      `Migration ${failed.migration_name} failed half-way earlier; resolve it with "prisma migrate resolve" and start again.`,
    )
  }
  return new Map(rows.map((row) => [row.migration_name, row.checksum]))
}

function checkHistory(known: Migration[], applied: Map<string, string>): void {
  const unknown = [...applied.keys()].filter((name) => !known.some((migration) => migration.name === name))
  if (unknown.length > 0) {
    throw new MigrationError(
      `This database belongs to a newer version of Toolberth (it has migration ${unknown.sort().at(-1)}, unknown to this build); start that version, or restore an older backup.`,
    )
  }
  for (const { name, sql } of known) {
    const checksum = applied.get(name)
    if (checksum !== undefined && !checksumsOf(sql).includes(checksum)) {
      throw new MigrationError(
        `Migration ${name} was edited after it had been applied to this database; restore the file and put the change into a new migration.`,
      )
    }
  }
}

/** As Prisma compares them: line ends may have been turned by git on the way. */
function checksumsOf(sql: string): string[] {
  const unix = sql.replaceAll('\r\n', '\n')
  return [sql, unix, unix.replaceAll('\n', '\r\n')].map(checksum)
}

function checksum(sql: string): string {
  return createHash('sha256').update(sql).digest('hex')
}

async function apply(client: pg.Client, { name, sql }: Migration): Promise<void> {
  const startedAt = new Date()
  try {
    await client.query('BEGIN')
    await client.query(sql)
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
       VALUES ($1, $2, clock_timestamp(), $3, $4, 1)`,
      [randomUUID(), checksum(sql), name, startedAt],
    )
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    const { message, position } = error as { message: string; position?: string }
    const line = position ? ` (line ${sql.slice(0, Number(position)).split('\n').length})` : ''
    throw new MigrationError(`Migration ${name} was refused and undone: ${message}${line}.`)
  }
}
