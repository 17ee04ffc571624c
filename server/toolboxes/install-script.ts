import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { env } from '#server/env.ts'
import { agentFile, requireAgentPackage } from './agent-package.ts'
import { findNodeProgram } from './node-program.ts'

/** The script that installs an agent of this installation, with its SHA-256 (hex). Throws AppError AGENT_NOT_PACKED. */
export async function installScript(): Promise<{ text: string; sha256: string }> {
  const [{ version, sha256 }, node] = await Promise.all([requireAgentPackage(), findNodeProgram()])
  const values: Record<string, string> = {
    CONTROL_PLANE_URL: new URL(env.PUBLIC_URL).origin,
    AGENT_VERSION: version,
    AGENT_SHA256: sha256,
    NODE_PLATFORM: node?.platform ?? '',
    NODE_SHA256: node?.sha256 ?? '',
  }
  const template = await readFile(agentFile('install.sh'), 'utf8')
  const text = template.replaceAll(/@([A-Z0-9_]+)@/g, (_, name: string) => shellSafe(values[name] ?? ''))
  return { text, sha256: createHash('sha256').update(text).digest('hex') }
}

/** The values stand between single quotes. An origin, a version or a checksum has none; nothing else shall. */
function shellSafe(value: string): string {
  return value.replaceAll(/[^A-Za-z0-9.:/[\]_+-]/g, '')
}
