import { createHash } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip } from 'node:zlib'

/**
 * Puts the Node that runs this into `out`, compressed, for machines of the same platform: `node.gz`, and `node.json` with platform and
 * the program's SHA-256. Does nothing when it is there already. Compressed once here, so that nobody can make web do it again and again.
 */
export async function packNode(out: string, program = process.execPath): Promise<void> {
  const { size, mtimeMs } = await stat(program)
  const source = `${program} ${size} ${mtimeMs}`
  if (readSource(out) === source) return
  mkdirSync(out, { recursive: true })
  const sum = createHash('sha256')
  const temporary = join(out, `node.gz.${process.pid}.tmp`)
  try {
    await pipeline(
      createReadStream(program),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          sum.update(chunk)
          yield chunk
        }
      },
      createGzip({ level: constants.Z_BEST_SPEED }),
      createWriteStream(temporary),
    )
    const facts = { platform: `${process.platform}-${process.arch}`, sha256: sum.digest('hex'), source }
    renameSync(temporary, join(out, 'node.gz'))
    writeFileSync(`${temporary}.json`, `${JSON.stringify(facts)}\n`)
    renameSync(`${temporary}.json`, join(out, 'node.json'))
  } finally {
    rmSync(temporary, { force: true })
  }
}

function readSource(out: string): string | null {
  try {
    return (JSON.parse(readFileSync(join(out, 'node.json'), 'utf8')) as { source: string }).source
  } catch {
    return null
  }
}
