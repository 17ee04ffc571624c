import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { AgentBuild } from '#contracts/dtma.ts'
import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'

/** The agent that this installation hands out. */
const AgentPackage = z.object({ version: z.string(), sha256: AgentBuild, size: z.int() })
export type AgentPackage = z.infer<typeof AgentPackage>

let known: { modified: number; facts: AgentPackage } | undefined

/** What was packed; null when nothing was. Read anew when it was packed anew. */
export async function findAgentPackage(): Promise<AgentPackage | null> {
  const path = agentFile('agent.json')
  try {
    const { mtimeMs } = await stat(path)
    if (known?.modified !== mtimeMs)
      known = { modified: mtimeMs, facts: AgentPackage.parse(JSON.parse(await readFile(path, 'utf8'))) }
    return known.facts
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Throws AppError AGENT_NOT_PACKED. */
export async function requireAgentPackage(): Promise<AgentPackage> {
  const found = await findAgentPackage()
  if (!found) throw new AppError('AGENT_NOT_PACKED', `no agent in ${env.AGENT_FOLDER}`)
  return found
}

export function agentFile(name: 'agent.json' | 'agent.tgz' | 'install.sh' | 'node.json' | 'node.gz'): string {
  return join(/* turbopackIgnore: true */ resolve(env.AGENT_FOLDER), name)
}
