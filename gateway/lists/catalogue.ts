import { createHash } from 'node:crypto'
import type { GatewayConnection, GatewayRights } from '#contracts/gateway.ts'
import { allowedNames } from '#gateway/pinned-tools.ts'
import { exposedToolName } from '#mcp/tool-name.ts'

/** MCP's limit for a tool's name. */
const MAX_NAME = 128
/** Many clients read the first page alone, so it is large; the cursor serves those that would have more. */
const PAGE_SIZE = 1000
const VALID_NAME = /^[A-Za-z0-9_.-]{1,128}$/

/** Lists of MCP, by the member of their result. */
export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates'
/** One entry of a list as its server gives it. */
export type ListItem = Record<string, unknown>

/** What a name of the agent's list stands for. */
export interface CatalogueEntry {
  connection: GatewayConnection
  /** The name (or URI) at its server. */
  original: string
  item: ListItem
}

/** What one connection adds to a list. */
export interface CatalogueSource {
  connection: GatewayConnection
  items: readonly ListItem[]
}

/** The entries of all of an agent's connections under one roof, in a fixed order. */
export interface Catalogue {
  /** Changes exactly when the list changes. */
  readonly digest: string
  readonly size: number
  find(name: string): CatalogueEntry | undefined
  entries(): Iterable<CatalogueEntry>
  /** The members of the list's result as JSON text, without the braces around; null when the cursor is none of this list's. */
  page(cursor: string | undefined): string | null
}

const KEY: Readonly<Record<ListKind, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
}

/**
 * Names are `<slug>__<name>`, or the server's own where the connection says so; URIs stay as they are. Connections go by age, entries
 * in their server's order; of two equal names the older connection's stays, so that a new connection takes no name away.
 */
export function buildCatalogue(
  kind: ListKind,
  sources: readonly CatalogueSource[],
  pageSize = PAGE_SIZE,
): Catalogue {
  const entries = new Map<string, CatalogueEntry>()
  const definitions: string[] = []
  const key = KEY[kind]
  for (const { connection, items } of sources) {
    const shownAs = kind === 'tools' ? allowedNames(connection, items) : null
    for (const item of items) {
      const original = item[key]
      if (typeof original !== 'string') continue
      const shown = shownAs === null ? original : shownAs.get(original)
      if (shown === undefined) continue
      const name = key === 'name' ? shownName(connection, shown) : original
      if (entries.has(name)) continue
      entries.set(name, { connection, original, item })
      definitions.push(JSON.stringify(name === original ? item : { ...item, [key]: name }))
    }
  }
  const hash = createHash('sha256')
  for (const definition of definitions) hash.update(definition).update('\n')
  const digest = hash.digest('base64url').slice(0, 16)
  const pages = new Map<number, string>()

  function renderPage(offset: number): string {
    const list = definitions.slice(offset, offset + pageSize).join(',')
    const next = offset + pageSize
    if (next >= definitions.length) return `"${kind}":[${list}]`
    return `"${kind}":[${list}],"nextCursor":${JSON.stringify(encodeCursor(digest, next))}`
  }

  return {
    digest,
    size: entries.size,
    find: (name) => entries.get(name),
    entries: () => entries.values(),
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

/** The tools as the database records them. */
export function buildToolCatalogue(rights: GatewayRights, pageSize = PAGE_SIZE): Catalogue {
  const sources = rights.connections.map((connection) => ({ connection, items: connection.tools }))
  return buildCatalogue('tools', sources, pageSize)
}

/** The name that the agent sees; always one that MCP allows. */
function shownName(connection: GatewayConnection, name: string): string {
  const exposed = exposedToolName(connection, name)
  if (VALID_NAME.test(exposed)) return exposed
  const digest = createHash('sha256').update(exposed).digest('hex').slice(0, 8)
  return `${exposed.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, MAX_NAME - digest.length - 1)}_${digest}`
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
