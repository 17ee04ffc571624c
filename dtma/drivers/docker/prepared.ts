import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomic } from '#dtma/state/atomic-file.ts'

/** What preparing an instance found out. Kept, so that every restart of it runs the very same. */
const Prepared = z.object({
  version: z.literal(1),
  /** The engine's id of the image. */
  imageId: z.string(),
  /** Where that image can be had again by digest; null when it is known here alone. */
  pullable: z.string().nullable(),
  resolvedVersion: z.string(),
  user: z.object({ uid: z.int(), gid: z.int(), replaced: z.boolean() }),
  /** The one port that the image exposes. */
  exposedPort: z.int().nullable(),
  /** What the image starts, or gives to its entry point, unless it is told otherwise. */
  cmd: z.array(z.string()),
  /** The executable of an npm package. */
  bin: z.object({ path: z.string(), runBy: z.enum(['node', 'itself']) }).nullable(),
})
export type Prepared = Omit<z.infer<typeof Prepared>, 'version'>

/** Null when the instance was not prepared, or not to the end. */
export async function readPrepared(serversFolder: string, id: string): Promise<Prepared | null> {
  const text = await readFileIfThere(fileOf(serversFolder, id))
  if (text === null) return null
  try {
    return Prepared.parse(JSON.parse(text))
  } catch {
    return null
  }
}

export async function writePrepared(serversFolder: string, id: string, prepared: Prepared): Promise<void> {
  await mkdir(join(serversFolder, id), { recursive: true, mode: 0o700 })
  await writeFileAtomic(fileOf(serversFolder, id), JSON.stringify({ version: 1, ...prepared }))
}

export async function forgetPrepared(serversFolder: string, id: string): Promise<void> {
  await rm(join(serversFolder, id), { recursive: true, force: true })
}

const fileOf = (serversFolder: string, id: string) => join(serversFolder, id, 'container.json')
