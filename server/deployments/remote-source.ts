import { isIP } from 'node:net'
import type { Transport } from '#contracts/instances.ts'
import type { DeployServer } from '#contracts/servers.ts'
import type { Source, SourceChange } from '#contracts/sources.ts'
import { AppError } from '#server/errors.ts'

/** In clear, by name. For the time of one transaction only. */
export type ClearHeaders = Record<string, string>

type Fields = Record<string, string[]>

/** Set by whoever makes the connection, or by the protocol itself (RFC 9110; MCP's transport). */
const RESERVED =
  /^(?:host|content-.*|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|proxy-.*|accept|mcp-.*|last-event-id)$/i

/** The minimum of the contract: a remote server takes the agent's memory for passing calls on, and no process of its own. */
export const REMOTE_LIMITS = { memoryMb: 64, cpus: 0.1, pids: 16 }

type Asked = Pick<DeployServer, 'http' | 'env' | 'data' | 'userCredentials'> & { transport: Transport }

/** What is wrong with a remote server as it is asked for, by field; empty when nothing is. */
export function remoteProblems(
  source: { url: string; headers?: Readonly<Record<string, unknown>> | undefined },
  asked: Asked,
): Fields {
  const fields: Fields = {}
  const url = new URL(source.url)
  if (url.username || url.password)
    fields['source.url'] = ['Give credentials as headers: a URL is shown in clear.']
  else if (url.hash) fields['source.url'] = ['Leave out the part after "#": it is never sent.']
  const names = Object.keys(source.headers ?? {})
  const usersBring = asked.userCredentials?.some(({ kind }) => kind === 'header') ?? false
  if ((names.length > 0 || usersBring) && url.protocol === 'http:' && !isLocalName(url.hostname))
    fields['source.url'] = ['Headers are secrets and are sent over https:// only.']
  const seen = new Set<string>()
  for (const name of names) {
    if (RESERVED.test(name)) fields[`source.headers.${name}`] = ['This header is set by the toolbox.']
    else if (seen.has(name.toLowerCase()))
      fields[`source.headers.${name}`] = ['This header is given twice: names differ in case only.']
    seen.add(name.toLowerCase())
  }
  if (asked.transport === 'stdio')
    fields.transport = ['A remote server is reached over streamable-http or sse.']
  if (asked.http) fields.http = ['The URL of a remote server says where it listens.']
  if (asked.env && Object.keys(asked.env).length > 0)
    fields.env = ['A remote server has variables where it runs. Give it headers.']
  if (asked.data && asked.data.length > 0) fields.data = ['A remote server keeps its data where it runs.']
  return fields
}

/** Names of a local network alone; whether they may be called is the toolbox's word. */
function isLocalName(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) return /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|f[cd])/.test(host)
  return host === 'localhost' || !host.includes('.') || /\.(?:localhost|local|internal|lan)$/.test(host)
}

/** The headers of a new server. */
export function headersOf(source: Source): ClearHeaders {
  return source.type === 'remote' ? (source.headers ?? {}) : {}
}

/**
 * The headers of the next revision. Values of before go to the origin that they were given for only. Throws AppError BAD_REQUEST
 * that names the header.
 */
export function nextHeaders(
  before: { source: { type: string; url?: string }; headers: ClearHeaders },
  asked: SourceChange | undefined,
): ClearHeaders {
  if (asked === undefined) return before.headers
  if (asked.type !== 'remote') return {}
  const sameOrigin = before.source.url !== undefined && originOf(before.source.url) === originOf(asked.url)
  const fields: Fields = {}
  const headers: ClearHeaders = {}
  if (asked.headers === undefined) {
    if (sameOrigin || Object.keys(before.headers).length === 0) return before.headers
    fields['source.headers'] = ['The URL has another origin: give its headers anew, or none.']
  }
  for (const [name, value] of Object.entries(asked.headers ?? {})) {
    const kept = before.headers[name]
    if (typeof value === 'string') headers[name] = value
    else if (kept === undefined)
      fields[`source.headers.${name}`] = ['The server has no such header to keep. Give it a value.']
    else if (sameOrigin) headers[name] = kept
    else fields[`source.headers.${name}`] = ['The URL has another origin: give the value anew.']
  }
  if (Object.keys(fields).length > 0) throw new AppError('BAD_REQUEST', 'headers not usable', { fields })
  return headers
}

function originOf(url: string): string {
  return new URL(url).origin
}
