import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { extract } from 'tar-stream'

const MAX_UNPACKED_BYTES = 128 * 1024 * 1024
/** Files of the archive lie side by side: no folders, no links, nothing that leads elsewhere. */
const FILE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/** Puts a fetched archive beside the builds that are there. Throws an Error in words when it is not what was announced. */
export async function unpackBuild(prefix: string, build: string, archive: Buffer): Promise<void> {
  const actual = createHash('sha256').update(archive).digest('hex')
  if (actual !== build) throw new Error(`The archive has the SHA-256 ${actual} and not ${build}.`)
  const folder = join(prefix, 'versions', build)
  if (existsSync(join(folder, 'package.json'))) return
  const temporary = `${folder}.new`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true })
  const tar = extract()
  tar.end(gunzipSync(archive, { maxOutputLength: MAX_UNPACKED_BYTES }))
  for await (const entry of tar) {
    const { name, type } = entry.header
    if (type !== 'file' || !FILE_NAME.test(name)) throw new Error(`The archive holds ${type} ${name}.`)
    const chunks: Buffer[] = []
    for await (const chunk of entry) chunks.push(chunk as Buffer)
    await writeFile(join(temporary, name), Buffer.concat(chunks), { mode: 0o644 })
  }
  await rm(folder, { recursive: true, force: true })
  await rename(temporary, folder)
}
