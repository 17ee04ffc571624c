import { randomUUID } from 'node:crypto'
import { chmod, copyFile, link, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Puts the Node that runs the agent where servers' users can reach it (the agent's own copy may lie under a closed home), and
 * answers its path. A hard link costs nothing; across file systems it is a copy. A newer Node replaces an older one.
 */
export async function provideNode(runtimeFolder: string, source = process.execPath): Promise<string> {
  const folder = join(runtimeFolder, 'bin')
  const target = join(folder, 'node')
  await mkdir(folder, { recursive: true, mode: 0o755 })
  await chmod(folder, 0o755)
  const [wanted, there] = [await stat(source), await stat(target).catch(() => null)]
  const same =
    there !== null &&
    (there.ino === wanted.ino || (there.size === wanted.size && there.mtimeMs >= wanted.mtimeMs))
  if (same) return target
  const temporary = join(folder, `node.${randomUUID()}`)
  try {
    // A link shares its owner and mode with the source, so it serves only when others may run that.
    const shareable = (wanted.mode & 0o005) === 0o005 && (wanted.mode & 0o022) === 0
    if (shareable) await link(source, temporary).catch(() => copyFile(source, temporary))
    else await copyFile(source, temporary)
    if (!shareable) await chmod(temporary, 0o755)
    await rename(temporary, target)
  } finally {
    await rm(temporary, { force: true })
  }
  return target
}
