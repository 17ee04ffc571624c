import { extract, pack } from 'tar-stream'
import { askFor, type Engine } from './engine.ts'

/** Manifests and the like; a file that is larger is not read to its end. */
const MAX_FILE_BYTES = 1024 * 1024

/** The beginning (1 MiB) of a file in a container, which need not run; null when there is no such regular file. */
export async function readContainerFile(
  engine: Engine,
  containerId: string,
  path: string,
): Promise<Buffer | null> {
  const stream = await askFor(() => engine.streams.getContainer(containerId).getArchive({ path }))
  if (stream === null) return null
  const archive = extract()
  const source = stream as NodeJS.ReadableStream & { destroy(): void }
  source.on('error', (error: Error) => archive.destroy(error))
  source.pipe(archive)
  try {
    for await (const entry of archive) {
      if (entry.header.type !== 'file') return null
      const pieces: Buffer[] = []
      let size = 0
      for await (const piece of entry) {
        pieces.push(piece as Buffer)
        size += (piece as Buffer).length
        if (size >= MAX_FILE_BYTES) break
      }
      return Buffer.concat(pieces)
    }
    return null
  } finally {
    source.destroy()
    archive.destroy()
  }
}

/** A file, or a folder when it has no content; `name` is relative to where the archive goes. */
export type PackedFile = { name: string; uid: number; gid: number; mode: number; content?: string }

/** An archive for `PUT …/archive`. */
export async function packFiles(files: readonly PackedFile[]): Promise<Buffer> {
  const archive = pack()
  for (const { content, ...header } of files) {
    if (content === undefined) archive.entry({ ...header, type: 'directory' })
    else archive.entry(header, content)
  }
  archive.finalize()
  const pieces: Buffer[] = []
  for await (const piece of archive) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}
