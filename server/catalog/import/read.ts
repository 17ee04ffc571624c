import { parse as parseToml, TomlError } from 'smol-toml'
import type { TransferFormat } from '#contracts/catalog-transfer.ts'
import { AppError } from '#server/errors.ts'
import { readClientServer } from './client-server.ts'
import { readCodexServer } from './codex.ts'
import type { ImportDraft } from './draft.ts'
import { parseJsonc } from './jsonc.ts'
import type { ConfigInput, Inputs } from './reference.ts'
import { readServerJson } from './server-json.ts'

export interface ReadConfig {
  format: TransferFormat
  drafts: ImportDraft[]
}

type Json = Record<string, unknown>

/** Finds out which program a configuration is of, and reads its servers. Throws AppError IMPORT_UNREADABLE. */
export function readConfig(text: string): ReadConfig {
  const value = parse(text)
  const found = inToml(text, value) ?? inJson(value)
  if (!found)
    throw unreadable('It has no list of servers: no mcpServers, servers, mcp_servers, packages or remotes.')
  const { format, drafts } = found
  if (drafts.length === 0) throw unreadable('Its list of servers is empty.')
  if (drafts.length > 200) throw unreadable(`It has ${drafts.length} servers; at most 200 are read at once.`)
  return { format, drafts: withOwnSlugs(drafts) }
}

function unreadable(detail: string, cause?: unknown): AppError {
  return new AppError('IMPORT_UNREADABLE', 'configuration cannot be read', {
    fields: { 'from.text': [detail] },
    detail,
    cause,
  })
}

const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const looksJson = (text: string) =>
  /^\s*(?:[{["]|\/\/|\/\*)/.test(text) && !/^\s*\[+\s*[\w"-]+[\w."\s-]*\]+\s*$/m.test(firstLine(text))

const firstLine = (text: string) => text.trimStart().split('\n', 1)[0] ?? ''

function parse(text: string): unknown {
  try {
    return looksJson(text) ? parseJsonc(text) : parseToml(text)
  } catch (error) {
    if (error instanceof SyntaxError)
      throw unreadable(`It is not JSON: ${error.message}`.slice(0, 300), error)
    if (error instanceof TomlError)
      throw unreadable(`It is neither JSON nor TOML: line ${error.line}, column ${error.column}.`, error)
    throw error
  }
}

function inToml(text: string, value: unknown): ReadConfig | null {
  if (looksJson(text) || !isJson(value) || !isJson(value.mcp_servers)) return null
  const drafts = Object.entries(value.mcp_servers).map(([key, server]) => readCodexServer(key, server))
  return { format: 'codex', drafts }
}

function inJson(value: unknown): ReadConfig | null {
  if (Array.isArray(value))
    return { format: 'server-json', drafts: value.map((one) => readServerJson(unwrapped(one))) }
  if (!isJson(value)) return null
  if (isJson(value.mcpServers)) return clientServers(value.mcpServers)
  if (isJson(value.mcp) && isJson(value.mcp.servers))
    return vscodeServers(value.mcp.servers, value.mcp.inputs)
  if (Array.isArray(value.servers))
    return { format: 'server-json', drafts: value.servers.map((one) => readServerJson(unwrapped(one))) }
  if (isJson(value.servers)) return vscodeServers(value.servers, value.inputs)
  if (isServerJson(value)) return { format: 'server-json', drafts: [readServerJson(value)] }
  if (isServerJson(value.server)) return { format: 'server-json', drafts: [readServerJson(value.server)] }
  if (isClientServer(value)) return clientServers({ server: value })
  const servers = Object.entries(value).filter(([, server]) => isClientServer(server))
  return servers.length > 0 ? clientServers(Object.fromEntries(servers)) : null
}

/** The registry wraps each server with what it knows of it. */
const unwrapped = (value: unknown): unknown => (isJson(value) && isJson(value.server) ? value.server : value)

const isServerJson = (value: unknown): boolean =>
  isJson(value) &&
  typeof value.name === 'string' &&
  (Array.isArray(value.packages) ||
    Array.isArray(value.remotes) ||
    /server\.schema\.json/.test(String(value.$schema)))

const isClientServer = (value: unknown): boolean =>
  isJson(value) && ['command', 'url', 'serverUrl', 'httpUrl'].some((key) => typeof value[key] === 'string')

function clientServers(servers: Json): ReadConfig {
  // Only .mcp.json and its kin say of what type a server is; the desktop's file has commands.
  const typed = Object.values(servers).some((one) => isJson(one) && ('type' in one || 'url' in one))
  const drafts = Object.entries(servers).map(([key, server]) => readClientServer(key, server, new Map()))
  return { format: typed ? 'mcp-json' : 'claude-desktop', drafts }
}

function vscodeServers(servers: Json, inputs: unknown): ReadConfig {
  const known = inputsOf(inputs)
  const drafts = Object.entries(servers).map(([key, server]) => readClientServer(key, server, known))
  return { format: 'vscode', drafts }
}

function inputsOf(inputs: unknown): Inputs {
  const found = new Map<string, ConfigInput>()
  for (const input of Array.isArray(inputs) ? inputs : []) {
    if (!isJson(input) || typeof input.id !== 'string') continue
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
    const options = Array.isArray(input.options)
      ? input.options.map((one) => text(isJson(one) ? one.value : one)).filter((one) => one !== undefined)
      : undefined
    found.set(input.id, {
      description: text(input.description),
      ...(input.password === true && { password: true }),
      default: text(input.default),
      options,
    })
  }
  return found
}

/** Two servers whose names come to the same slug get numbers. */
function withOwnSlugs(drafts: readonly ImportDraft[]): ImportDraft[] {
  const taken = new Set<string>()
  return drafts.map((draft) => {
    if (!draft.entry) return draft
    let { slug } = draft.entry
    for (let count = 2; taken.has(slug); count++) slug = `${draft.entry.slug.slice(0, 36)}-${count}`
    taken.add(slug)
    return slug === draft.entry.slug ? draft : { ...draft, entry: { ...draft.entry, slug } }
  })
}
