import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { StartError } from '#scripts/start-error.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { readPrivateJson, writePrivateJson } from './service-state.ts'
import { canReach, type ServiceUser } from './service-user.ts'
import { makeSystemHome } from './system-home.ts'

const run = promisify(execFile)

/** Major version of the embedded binaries; data of another one cannot be opened. */
const MAJOR = '18'

const State = z.object({
  port: z.int().optional(),
  adminPassword: z.string(),
  ownerPassword: z.string(),
  appPassword: z.string(),
})
export type PostgresState = z.infer<typeof State>

/** Beside the data folder, readable by the installation's owner only: passwords and the last port. */
export const stateFile = (dataDir: string): string => `${dataDir}.json`

/** Where the embedded Postgres answered last, as the application's user; null when there was none yet. */
export function savedAppUrl(dataDir: string): string | null {
  const state = readPrivateJson(stateFile(dataDir), State)
  if (state?.port === undefined) return null
  return `postgresql://toolberth_app:${encodeURIComponent(state.appPassword)}@127.0.0.1:${state.port}/toolberth`
}

export function saveState(dataDir: string, state: PostgresState): void {
  writePrivateJson(stateFile(dataDir), state)
}

/** Where the data really goes: `dataDir`, or the system home when the service user cannot get there. */
export function placeData(dataDir: string, user: ServiceUser | null): string {
  if (!user || canReach(user, dataDir)) return dataDir
  return join(makeSystemHome(dirname(dataDir)), basename(dataDir))
}

/**
 * Brings a cluster into being, once. It is made beside its place and renamed, so that an interrupted run leaves no half of one.
 * Data whose passwords are gone (a deleted home) can be opened by nobody and is moved aside, never removed.
 */
export async function ensureCluster(options: {
  dataDir: string
  place: string
  user: ServiceUser | null
  binaries: PostgresBinaries
  log: (line: string) => void
}): Promise<PostgresState> {
  const { dataDir, place, user, binaries, log } = options
  const known = readPrivateJson(stateFile(dataDir), State)
  const version = existsSync(join(place, 'PG_VERSION'))
    ? readFileSync(join(place, 'PG_VERSION'), 'utf8').trim()
    : null
  if (known && version === MAJOR) return known
  if (known && version !== null) {
    throw new StartError(
      `The data in ${place} belongs to Postgres ${version}, this build brings ${MAJOR}; dump and restore it.`,
    )
  }
  if (version !== null) {
    const aside = `${place}.orphaned-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
    renameSync(place, aside)
    log(`Found Postgres data of a home that is gone; moved it to ${aside}`)
  }
  const secret = () => randomBytes(24).toString('base64url')
  const state: PostgresState = { adminPassword: secret(), ownerPassword: secret(), appPassword: secret() }
  log('Creating the Postgres data')
  await initialise({ place, user, binaries, password: state.adminPassword })
  saveState(dataDir, state)
  return state
}

async function initialise(options: {
  place: string
  user: ServiceUser | null
  binaries: PostgresBinaries
  password: string
}): Promise<void> {
  const { place, user, binaries, password } = options
  const draft = `${place}.new`
  const passwordFile = `${place}.new-password`
  rmSync(draft, { recursive: true, force: true })
  rmSync(passwordFile, { force: true })
  rmSync(place, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  chmodSync(draft, 0o700)
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' })
  if (user) for (const path of [draft, passwordFile]) chownSync(path, user.uid, user.gid)
  try {
    await run(
      binaries.initdb,
      [
        `--pgdata=${draft}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Postgres's own collation: text sorts and folds alike whatever the machine has installed.
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
        '--no-sync',
      ],
      { cwd: draft, env: postgresEnv(), ...(user ? { uid: user.uid, gid: user.gid } : {}) },
    )
    renameSync(draft, place)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    const detail = String((error as { stderr?: string }).stderr || (error as Error).message)
    throw new StartError(
      `Postgres could not create its data in ${place}: ${detail.trim().split('\n').at(-1)}`,
    )
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

/** Nothing of the caller's: PG* variables would redirect it, secrets are none of its business. */
export function postgresEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C' } as unknown as NodeJS.ProcessEnv
}
