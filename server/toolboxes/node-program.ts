import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

let hashed: Promise<string> | undefined

/** The Node that runs this process, which machines of the same platform may be given: `linux-x64` and the program's SHA-256. */
export async function nodeProgram(): Promise<{ path: string; platform: string; sha256: string }> {
  hashed ??= hashOf(process.execPath)
  hashed.catch(() => {
    hashed = undefined
  })
  return { path: process.execPath, platform: `${process.platform}-${process.arch}`, sha256: await hashed }
}

async function hashOf(path: string): Promise<string> {
  const sum = createHash('sha256')
  await pipeline(createReadStream(path), sum)
  return sum.digest('hex')
}
