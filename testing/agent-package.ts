import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { packAgent } from '#scripts/pack-agent/pack.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

/** Packs the agent into a folder of its own, as `AGENT_FOLDER` names it. Removed after the run. */
export async function packForTest(): Promise<{ folder: string; sha256: string }> {
  const folder = mkdtempSync(join(inject('runFolder'), 'homes', 'agent-'))
  return { folder, sha256: await packAgent(ROOT, folder) }
}
