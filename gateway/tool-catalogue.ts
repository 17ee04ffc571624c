import { createHash } from 'node:crypto'
import type { GatewayConnection, GatewayRights } from '#contracts/gateway.ts'
import { exposedToolName } from '#mcp/tool-name.ts'
import { callableTools } from './pinned-tools.ts'

/** Many clients read the first page alone, so it is large; the cursor serves those that would have more. */
const PAGE_SIZE = 1000

/** What a name of the agent's list stands for. */
export interface CatalogueEntry {
  connection: GatewayConnection
  /** The tool's name at its server. */
  toolName: string
}

/** The tools of all of an agent's connections under one roof, in a fixed order. */
export interface ToolCatalogue {
  /** Changes exactly when the list changes. */
  readonly digest: string
  find(name: string): CatalogueEntry | undefined
  /** The result of `tools/list` as JSON text; null when the cursor is none of this list's. */
  page(cursor: string | undefined): string | null
}

/**
 * Names are `<slug>__<tool>`, or the tool's own where the connection says so; for the tool's own stands another where its owner chose
 * one. Connections go by age, tools in their server's order;
 * of two equal names the older connection's stays, so that a new connection takes no name away.
 */
export function buildToolCatalogue(rights: GatewayRights, pageSize = PAGE_SIZE): ToolCatalogue {
  const entries = new Map<string, CatalogueEntry>()
  const definitions: string[] = []
  for (const connection of rights.connections) {
    for (const { tool, shown } of callableTools(connection)) {
      const name = exposedToolName(connection, shown)
      if (entries.has(name)) continue
      entries.set(name, { connection, toolName: tool.name })
      definitions.push(JSON.stringify({ ...tool, name }))
    }
  }
  const hash = createHash('sha256')
  for (const definition of definitions) hash.update(definition).update('\n')
  const digest = hash.digest('base64url').slice(0, 16)
  const pages = new Map<number, string>()

  function renderPage(offset: number): string {
    const tools = definitions.slice(offset, offset + pageSize).join(',')
    const next = offset + pageSize
    if (next >= definitions.length) return `{"tools":[${tools}]}`
    return `{"tools":[${tools}],"nextCursor":${JSON.stringify(encodeCursor(digest, next))}}`
  }

  return {
    digest,
    find: (name) => entries.get(name),
    page(cursor) {
      const offset = cursor === undefined ? 0 : decodeCursor(digest, cursor)
      if (offset === null || (offset > 0 && offset >= definitions.length)) return null
      const known = pages.get(offset)
      if (known !== undefined) return known
      const rendered = renderPage(offset)
      pages.set(offset, rendered)
      return rendered
    },
  }
}

/** A cursor belongs to one state of the list: after a change the client starts again and misses nothing. */
function encodeCursor(digest: string, offset: number): string {
  return Buffer.from(`${digest}:${offset}`).toString('base64url')
}

function decodeCursor(digest: string, cursor: string): number | null {
  if (cursor.length > 100) return null
  const match = /^([\w-]{16}):([1-9]\d{0,8})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  return match?.[1] === digest ? Number(match[2]) : null
}
