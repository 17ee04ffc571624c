import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { inject } from 'vitest'
import { packAgent } from '#scripts/pack-agent/pack.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

/** Packs the agent into a folder of its own, as `AGENT_FOLDER` names it. Removed after the run. */
export async function packForTest(): Promise<{ folder: string; sha256: string }> {
  const folder = mkdtempSync(join(inject('runFolder'), 'homes', 'agent-'))
  return { folder, sha256: await packAgent(ROOT, folder) }
}

export interface Archive {
  bytes: Buffer
  sha256: string
}

/** An archive of these files; a name that ends with a slash is a folder. */
export async function archiveOf(files: Record<string, string>): Promise<Archive> {
  const archive = pack()
  for (const [name, text] of Object.entries(files)) {
    if (name.endsWith('/')) archive.entry({ name, type: 'directory' })
    else archive.entry({ name }, text)
  }
  archive.finalize()
  const bytes = gzipSync(await buffer(archive))
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}
