import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { StartError } from '#scripts/start-error.ts'

export type ServiceUser = { name: string; uid: number; gid: number }

const run = promisify(execFile)

/**
 * The system user that Postgres runs as when we are root, which it refuses to run as; null when we are not root.
 * Made when the machine has none.
 */
export async function postgresUser(log: (line: string) => void): Promise<ServiceUser | null> {
  if (process.getuid?.() !== 0) return null
  const existing = findUser('postgres')
  if (existing) return existing
  log('Making the system user "postgres": Postgres does not run as root')
  await makeUser('postgres')
  const made = findUser('postgres')
  if (!made)
    throw new StartError(
      'Postgres does not run as root and the user "postgres" could not be made; run as another user.',
    )
  return made
}

/** Whether this user may pass through every folder above `path` (owner, group and other bits; no ACLs). */
export function canReach(user: ServiceUser, path: string): boolean {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const stat = statSync(folder, { throwIfNoEntry: false })
    if (stat) {
      const bit = stat.uid === user.uid ? 0o100 : stat.gid === user.gid ? 0o010 : 0o001
      if ((stat.mode & bit) === 0) return false
    }
    if (folder === dirname(folder)) return true
  }
}

function findUser(name: string): ServiceUser | null {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid && gid ? { name, uid: Number(uid), gid: Number(gid) } : null
}

/** shadow-utils where they exist, BusyBox's `adduser` (Alpine) elsewhere. */
async function makeUser(name: string): Promise<void> {
  const attempts: [string, string[]][] = [
    ['useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', name]],
    ['adduser', ['-S', '-D', '-H', '-s', '/sbin/nologin', name]],
  ]
  for (const [command, args] of attempts) {
    try {
      await run(command, args)
      return
    } catch {
      // The next tool, or the caller's message, says what is wrong.
    }
  }
}
