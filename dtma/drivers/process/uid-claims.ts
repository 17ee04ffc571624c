import { randomUUID } from 'node:crypto'
import { chmod, chown, lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InstanceFailure } from '#dtma/drivers/driver.ts'
import { readProcessTable } from './process-table.ts'

/**
 * Users of servers. Above what distributions give to people and services (login.defs, 60000), above systemd's dynamic users
 * (61184-65519 is theirs, but only where a unit asks for it, hence the check for living processes) and below 65534 (nobody).
 */
export const FIRST_UID = 64_000
export const LAST_UID = 65_499

/** One register for the whole machine, so that two agents (two installations) never give the same user to two servers. */
export const UID_REGISTER = '/var/lib/toolberth/uids'

/**
 * Gives a server's folder a user of its own: the folder becomes `root:<uid>` 0750, so its server may enter it and no other may.
 * The user stays taken while the folder exists. Answers the same one for a folder that has one.
 */
export async function claimUid(folder: string, register = UID_REGISTER): Promise<number> {
  const known = await uidOfFolder(folder)
  if (known !== null) return known
  const claiming = lastClaim.then(() => claimFirstFree(folder, register))
  lastClaim = claiming.catch(() => undefined)
  return claiming
}

/** Claims of this process follow each other; at the same time they would only get into each other's way. */
let lastClaim: Promise<unknown> = Promise.resolve()

async function claimFirstFree(folder: string, register: string): Promise<number> {
  await mkdir(register, { recursive: true, mode: 0o700 })
  await chmod(dirname(register), 0o711)
  const taken = await accountUids()
  for (let uid = FIRST_UID; uid <= LAST_UID; uid++) {
    if (taken.has(uid) || !(await claim(uid, folder, register))) continue
    await admitUid(folder, uid)
    return uid
  }
  throw new InstanceFailure('TOOLBOX_INTERNAL', 'No user is left for another server on this machine.')
}

/** Lets a user that was claimed for another folder of the same server into this one. */
export async function admitUid(folder: string, uid: number): Promise<void> {
  await chown(folder, 0, uid)
  await chmod(folder, 0o750)
}

/** The user of a server's folder, or null when it has none or is not there. */
export async function uidOfFolder(folder: string): Promise<number | null> {
  try {
    const { gid } = await stat(folder)
    return gid >= FIRST_UID && gid <= LAST_UID ? gid : null
  } catch {
    return null
  }
}

/** To be called when the folder is deleted and no process of the user is left. */
export async function releaseUid(uid: number, folder: string, register = UID_REGISTER): Promise<void> {
  for (const claim of await claimsOf(uid, register)) {
    if (claim.folder === folder) await rm(claim.path, { force: true })
  }
}

/**
 * Claims are announced first and compared then: of two claimants at least the later one sees the other, so never both win. A claim
 * without its folder and without a process belongs to a deleted installation and counts no more.
 */
async function claim(uid: number, folder: string, register: string): Promise<boolean> {
  if ((await livingClaims(uid, register)).length > 0) return false
  const path = join(register, `${uid}-${randomUUID()}`)
  // Renamed into its place, so that nobody reads a claim that is half written.
  await writeFile(`${path}.tmp`, folder, { mode: 0o600 })
  await rename(`${path}.tmp`, path)
  const others = (await livingClaims(uid, register)).filter((other) => other.path !== path)
  if (others.length === 0 && !runsAnything(uid)) return true
  await rm(path, { force: true })
  return false
}

type Claim = { path: string; folder: string }

async function claimsOf(uid: number, register: string): Promise<Claim[]> {
  const claims: Claim[] = []
  for (const name of await readdir(register)) {
    if (!name.startsWith(`${uid}-`) || name.endsWith('.tmp')) continue
    const path = join(register, name)
    const folder = await readFile(path, 'utf8').catch(() => null)
    if (folder !== null) claims.push({ path, folder })
  }
  return claims
}

async function livingClaims(uid: number, register: string): Promise<Claim[]> {
  const living: Claim[] = []
  for (const claim of await claimsOf(uid, register)) {
    const gone = await stat(claim.folder).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
    )
    if (gone && !runsAnything(uid)) await rm(claim.path, { force: true })
    else living.push(claim)
  }
  return living
}

function runsAnything(uid: number): boolean {
  return readProcessTable().some((entry) => entry.uids.includes(uid))
}

/** Users and groups that the machine's own files name. */
async function accountUids(): Promise<Set<number>> {
  const ids = new Set<number>()
  for (const file of ['/etc/passwd', '/etc/group']) {
    const text = await readFile(file, 'utf8').catch(() => '')
    for (const line of text.split('\n')) ids.add(Number(line.split(':')[2]))
  }
  return ids
}

/** Deletes what a user left in the places that everybody may write to; nothing of it runs any more. */
export async function sweepSharedFolders(uid: number): Promise<void> {
  for (const folder of ['/tmp', '/var/tmp', '/dev/shm']) {
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name)
      const owner = await lstat(path).catch(() => null)
      if (owner?.uid === uid) await rm(path, { recursive: true, force: true })
    }
  }
}
