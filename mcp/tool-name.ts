import { createHash } from 'node:crypto'

/** MCP's limit for a tool's name. */
const MAX_NAME = 128

/**
 * The name of a tool at the gateway. One that would be too long keeps its beginning and ends in a digest of the whole, so it stays
 * the same and its own.
 */
export function exposedToolName(
  { slug, prefixTools }: { slug: string; prefixTools: boolean },
  toolName: string,
): string {
  if (!prefixTools) return toolName
  const name = `${slug}__${toolName}`
  if (name.length <= MAX_NAME) return name
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return `${name.slice(0, MAX_NAME - digest.length - 1)}_${digest}`
}
