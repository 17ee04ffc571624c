import { chmod, chown, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type InstanceFolder, makeDataFolder } from './instance-folder.ts'
import type { ServerUser } from './start-server.ts'
import { claimUid, releaseUid, sweepSharedFolders, uidOfFolder } from './uid-claims.ts'

/**
 * What one session of an isolated server has on disk, below its instance: a folder of its own with the package of all. Where users
 * keep servers apart, its process has a user of its own, so that no session can read, stop or end another's, and the instance's
 * group, by which it reaches the package.
 */
export type SessionFolder = InstanceFolder & { user: ServerUser | null }

/** `gid` is the instance's user; null where users do not keep servers apart. */
export async function makeSessionFolder(
  instance: InstanceFolder,
  session: string,
  gid: number | null,
): Promise<SessionFolder> {
  const all = sessionsOf(instance.root)
  await mkdir(all, { recursive: true, mode: 0o750 })
  if (gid !== null) await chown(all, 0, gid)
  const root = join(all, session)
  await mkdir(root, { mode: 0o700 })
  const folder = { root, package: instance.package, data: join(root, 'data') }
  if (gid === null) {
    await makeDataFolder(folder, null)
    return { ...folder, user: null }
  }
  const uid = await claimUid(root)
  // Only the instance's sessions get as far as this, and of what is below only its owner gets any further.
  await chmod(root, 0o711)
  await makeDataFolder(folder, uid)
  return { ...folder, user: { uid, gid } }
}

/** `endAll` is called with the session's user before anything is deleted, and ends all that this user runs. */
export async function removeSessionFolder(
  root: string,
  endAll: (uid: number) => Promise<void>,
): Promise<void> {
  const uid = await uidOfFolder(root)
  if (uid !== null) await endAll(uid)
  await rm(root, { recursive: true, force: true, maxRetries: 3 })
  if (uid === null) return
  await sweepSharedFolders(uid)
  await releaseUid(uid, root)
}

/** Sessions that are there, be it from an earlier run of the agent. */
export async function sessionFolders(instanceRoot: string): Promise<string[]> {
  const all = sessionsOf(instanceRoot)
  const names = await readdir(all).catch(() => [])
  return names.map((name) => join(all, name))
}

const sessionsOf = (instanceRoot: string) => join(instanceRoot, 'sessions')
