import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { agentFile } from './agent-package.ts'

const NodeProgram = z.object({ platform: z.string().regex(/^[a-z0-9]+-[a-z0-9]+$/), sha256: z.string() })
type NodeProgram = z.infer<typeof NodeProgram>

/** The Node that machines of this installation's platform may be given: `linux-x64` and the program's SHA-256. Null when none was packed. */
export async function findNodeProgram(): Promise<NodeProgram | null> {
  try {
    return NodeProgram.parse(JSON.parse(await readFile(agentFile('node.json'), 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
