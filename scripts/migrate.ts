import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MigrationError, migrate } from '#server/db/migrate.ts'

const envFile = fileURLToPath(new URL('../.env', import.meta.url))
if (existsSync(envFile)) process.loadEnvFile(envFile)

try {
  const ownerUrl = process.env.DATABASE_OWNER_URL
  if (!ownerUrl) {
    throw new MigrationError(
      'Set DATABASE_OWNER_URL: the database as user toolberth_owner (see scripts/services/roles.sql).',
    )
  }
  const applied = await migrate({ ownerUrl, log: (line) => process.stdout.write(`${line}\n`) })
  if (applied.length === 0) process.stdout.write('The database is up to date\n')
} catch (error) {
  if (!(error instanceof MigrationError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
