import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { bundleAgent } from './bundle.ts'

/** 1980: the earliest that every tool shows, and the same for everybody, so that equal sources give equal archives. */
const MTIME = new Date('1980-01-01T00:00:00Z')

/**
 * Packs the agent into `out`: `agent.tgz`, `install.sh` (a template that the control plane fills in) and `agent.json` with version,
 * SHA-256 and size. Archives of equal sources are equal. Answers the SHA-256.
 */
export async function packAgent(root: string, out: string): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const manifest = { name: 'toolberth-agent', version, type: 'module', engines: { node: '>=24' } }
  const files = [
    { name: 'package.json', code: `${JSON.stringify(manifest, null, 2)}\n` },
    { name: 'LICENSE', code: readFileSync(join(root, 'LICENSE'), 'utf8') },
    ...(await bundleAgent(root)),
  ]
  const archive = pack()
  for (const { name, code } of files) archive.entry({ name, mode: 0o644, mtime: MTIME, uid: 0, gid: 0 }, code)
  archive.finalize()
  const bytes = gzipSync(await buffer(archive), { level: 9 })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  mkdirSync(out, { recursive: true })
  writeWhole(join(out, 'agent.tgz'), bytes)
  writeWhole(join(out, 'install.sh'), readFileSync(join(root, 'dtma', 'install.sh')))
  writeWhole(join(out, 'agent.json'), `${JSON.stringify({ version, sha256, size: bytes.length })}\n`)
  return sha256
}

/** Others may be reading it. */
function writeWhole(path: string, content: Buffer | string): void {
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, content)
  renameSync(temporary, path)
}
