import { chown, lstat, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InstanceSpec } from '#contracts/instances.ts'
import { readFileIfThere } from '#dtma/state/atomic-file.ts'

/** Declared data of a server: a folder of the agent with one folder of the server's own per path. Its instances take turns. */
export type ServerData = {
  serverId: string
  root: string
  volumes: readonly { mountPath: string; path: string }[]
}

/** Null for a server that declares none. */
export function serverData(dataFolder: string, { serverId, data }: InstanceSpec): ServerData | null {
  if (data.length === 0) return null
  const root = join(dataFolder, serverId)
  const volumes = data.map(({ mountPath }) => ({
    mountPath,
    // A path has no "+" in it, so two never share a folder.
    path: join(root, mountPath.slice(1).replaceAll('/', '+')),
  }))
  return { serverId, root, volumes }
}

/**
 * Makes the folders that are not there, and notes in the instance's own folder whose data it holds. The server cannot replace its
 * folders by links, for what they lie in is not its own.
 */
export async function makeVolumes(data: ServerData, uid: number | null, instanceRoot: string): Promise<void> {
  await writeFile(join(instanceRoot, HOLDS), data.serverId, { mode: 0o600 })
  for (const { path } of data.volumes) {
    await mkdir(path, { recursive: true, mode: 0o700 })
    if (uid !== null && (await lstat(path)).uid !== uid) await chown(path, uid, uid)
  }
}

const HOLDS = 'data-of'

/** Whether an instance of the server is still there. */
export async function isHeld(serversFolder: string, serverId: string): Promise<boolean> {
  for (const id of await readdir(serversFolder))
    if ((await readFileIfThere(join(serversFolder, id, HOLDS))) === serverId) return true
  return false
}

/**
 * The spec with the folders' real paths in variables and arguments: without a container nothing can be put where the server was
 * told it is, so a value that is or lies in a declared path is changed instead.
 */
export function withRealPaths(spec: InstanceSpec, data: ServerData | null): InstanceSpec {
  if (data === null) return spec
  const inPlace = (text: string) => {
    for (const { mountPath, path } of data.volumes)
      if (text === mountPath || text.startsWith(`${mountPath}/`)) return path + text.slice(mountPath.length)
    return text
  }
  const { source } = spec
  return {
    ...spec,
    env: Object.fromEntries(Object.entries(spec.env).map(([name, value]) => [name, inPlace(value)])),
    source: 'args' in source ? { ...source, args: source.args.map(inPlace) } : source,
  }
}
