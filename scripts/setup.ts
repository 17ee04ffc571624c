import { MigrationError, migrate } from '#server/db/migrate.ts'
import { EnvError } from '#server/env.ts'
import { writePrivate } from './services/service-state.ts'
import { homePaths, makeHome } from './start/home.ts'
import { StartError } from './start-error.ts'

// What `npm start` does to the data before it starts the processes, for installations that start those by other means:
// migrations, the first admin with password and API key, the local toolbox's enrolment token. Idempotent.
try {
  const { DATABASE_OWNER_URL: ownerUrl, TOOLBERTH_HOME: home } = process.env
  if (!ownerUrl || !home) throw new StartError('Set DATABASE_OWNER_URL and TOOLBERTH_HOME.')
  makeHome(home)
  await migrate({ ownerUrl, log: (line) => process.stdout.write(`${line}\n`) })
  const { seed } = await import('#prisma/seed.ts')
  const { closeDatabase } = await import('#server/db/client.ts')
  const { closeRedis } = await import('#server/redis.ts')
  try {
    const { adminEmail, enrollmentToken } = await seed({ home, env: process.env })
    if (enrollmentToken) writePrivate(homePaths(home).enrollmentToken, `${enrollmentToken}\n`)
    process.stdout.write(`Sign in as ${adminEmail}; the password is in ${homePaths(home).adminPassword}\n`)
  } finally {
    await Promise.all([closeDatabase(), closeRedis()])
  }
} catch (error) {
  if (!(error instanceof StartError || error instanceof MigrationError || error instanceof EnvError))
    throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
