import { isRecord } from './json-rpc.ts'
import { encodeHeaderValue } from './stateless.ts'

/** An argument that a tool wants repeated in a header `Mcp-Param-<name>` (`x-mcp-header` in its schema). */
export interface ParamHeader {
  path: readonly string[]
  /** Lower case, with the prefix. */
  header: string
  type: string
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean', 'number'])
/** Schemas come from servers: deeper ones have no such arguments. */
const MAX_DEPTH = 16

/** The headers that a tool's schema asks for. What breaks the rules asks for none. */
export function paramHeaders(inputSchema: unknown): ParamHeader[] {
  const found: ParamHeader[] = []
  const visit = (schema: unknown, path: readonly string[]): void => {
    if (!isRecord(schema) || path.length > MAX_DEPTH) return
    const name = schema['x-mcp-header']
    if (path.length > 0 && typeof name === 'string' && TOKEN.test(name) && TYPES.has(schema.type)) {
      found.push({ path, header: `mcp-param-${name.toLowerCase()}`, type: String(schema.type) })
    }
    if (!isRecord(schema.properties)) return
    for (const [key, child] of Object.entries(schema.properties)) visit(child, [...path, key])
  }
  visit(inputSchema, [])
  return found
}

/** 2026-07-28 knows headers for these alone: other values have no one way to be written. */
const ALLOWED_TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])

/** What is wrong with the headers that a tool's schema asks for, in a sentence; null when nothing is. */
export function paramHeaderFault(inputSchema: unknown): string | null {
  const names = new Set<string>()
  const visit = (schema: unknown, depth: number): string | null => {
    if (!isRecord(schema) || depth > MAX_DEPTH) return null
    const name = schema['x-mcp-header']
    if (depth > 0 && name !== undefined) {
      if (typeof name !== 'string' || !TOKEN.test(name)) return 'x-mcp-header: not the name of a header.'
      if (!ALLOWED_TYPES.has(schema.type)) return `x-mcp-header: ${name} is no text, integer or boolean.`
      if (names.has(name.toLowerCase())) return `x-mcp-header: ${name} is wanted twice.`
      names.add(name.toLowerCase())
    }
    if (!isRecord(schema.properties)) return null
    for (const child of Object.values(schema.properties)) {
      const fault = visit(child, depth + 1)
      if (fault !== null) return fault
    }
    return null
  }
  return visit(inputSchema, 0)
}

/** The headers for a call with these arguments. */
export function buildParamHeaders(wanted: readonly ParamHeader[], args: unknown): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { path, header } of wanted) {
    const text = paramText(args, path)
    if (text !== null) headers[header] = encodeHeaderValue(text)
  }
  return headers
}

/** An argument as its header says it; null where it is missing or has no such words. */
export function paramText(args: unknown, path: readonly string[]): string | null {
  return asText(valueAt(args, path))
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args
  for (const key of path) value = isRecord(value) ? value[key] : undefined
  return value
}

function asText(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'number' || !Number.isFinite(value)) return null
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? null : String(value)
}
