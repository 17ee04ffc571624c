import { chown, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomic } from '#dtma/state/atomic-file.ts'

/** What one server has on disk. `package` belongs to the agent and is read-only for the server, `data` is the server's own. */
export type InstanceFolder = { root: string; package: string; data: string }

export function instanceFolder(serversFolder: string, id: string): InstanceFolder {
  const root = join(serversFolder, id)
  return { root, package: join(root, 'package'), data: join(root, 'data') }
}

/**
 * Makes `data` with the server's HOME and TMPDIR in it, in one step and only once: later its content is the server's, and the agent
 * (which may be root) must not follow what a server put there.
 */
export async function makeDataFolder(folder: InstanceFolder, uid: number | null): Promise<void> {
  if (await isThere(folder.data)) return
  const staging = join(folder.root, 'data.new')
  await rm(staging, { recursive: true, force: true })
  for (const path of [staging, join(staging, 'home'), join(staging, 'tmp')]) {
    await mkdir(path, { mode: 0o700 })
    if (uid !== null) await chown(path, uid, uid)
  }
  await rename(staging, folder.data)
}

const Installed = z.object({
  binPath: z.string(),
  runBy: z.enum(['node', 'itself']),
  version: z.string(),
})
/** Written last, so its presence means a complete installation. */
export type Installed = z.infer<typeof Installed>

export async function readInstalled(folder: InstanceFolder): Promise<Installed | null> {
  const text = await readFileIfThere(join(folder.root, 'installed.json'))
  return text === null ? null : Installed.parse(JSON.parse(text))
}

export async function writeInstalled(folder: InstanceFolder, installed: Installed): Promise<void> {
  await writeFileAtomic(join(folder.root, 'installed.json'), JSON.stringify(installed))
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
