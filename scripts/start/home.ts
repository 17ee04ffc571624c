import { randomBytes } from 'node:crypto'
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stopLeftoverPostgres } from '#scripts/services/postgres.ts'
import { writePrivate } from '#scripts/services/service-state.ts'
import { systemHome } from '#scripts/services/system-home.ts'
import { StartError } from '#scripts/start-error.ts'

/** Paths within an installation's home. */
export function homePaths(home: string) {
  return {
    lock: join(home, 'run', 'lock'),
    processes: join(home, 'run', 'processes.json'),
    masterKey: join(home, 'keys', 'master.key'),
    logs: join(home, 'logs'),
    postgres: join(home, 'postgres'),
    redis: join(home, 'redis'),
    adminPassword: join(home, 'admin-password'),
    adminApiKey: join(home, 'admin-api-key'),
    enrollmentToken: join(home, 'dtma', 'enrollment-token'),
  }
}

/** Makes the home (0700) and its folders. Refuses a folder that holds something else, for its mode is about to change. */
export function makeHome(home: string): void {
  try {
    const isForeign =
      existsSync(home) &&
      !existsSync(join(home, 'run')) &&
      readdirSync(home).some((name) => name !== '.DS_Store')
    if (isForeign) {
      throw new StartError(
        `${home} is not empty and no home of Toolberth; choose another folder with --home.`,
      )
    }
    for (const folder of ['', 'run', 'keys', 'logs', 'dtma']) {
      makeFolder(join(home, folder))
    }
    chmodSync(home, 0o700)
    accessSync(join(home, 'run'), constants.W_OK)
  } catch (error) {
    if (error instanceof StartError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : message
    throw new StartError(
      `Cannot write to the home ${home} (${reason}); choose another with --home or TOOLBERTH_HOME.`,
    )
  }
}

/** One folder after the other: where none can be made (such as below /proc), Node's own `recursive` tries for ever. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

/**
 * Makes the key that every secret is encrypted under: 32 random bytes, base64, 0600. What a home of the same path that is
 * gone by now left in the system home cannot be read without its key, and is moved aside.
 */
export async function ensureMasterKey(home: string, log: (line: string) => void): Promise<void> {
  const { masterKey } = homePaths(home)
  if (existsSync(masterKey)) return
  const elsewhere = systemHome(home)
  if (existsSync(elsewhere)) {
    await stopLeftoverPostgres(join(elsewhere, 'postgres'), log)
    const aside = `${elsewhere}.orphaned-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
    renameSync(elsewhere, aside)
    log(`Found data of an earlier home at this path; moved it to ${aside}`)
  }
  writePrivate(masterKey, `${randomBytes(32).toString('base64')}\n`)
}
