import type { Dispatcher } from 'undici'
import { z } from 'zod'
import type { AuthDemand } from '#contracts/probe.ts'

/** Longer headers are read up to here: no server has more to say, and an expression never sees more. */
const MAX_HEADER_CHARS = 2000
const MAX_VALUE_CHARS = 300
/** `name="quoted"` or `name=bare` (RFC 9110, section 11.2). */
const PARAMETER = /\b([a-z_]{1,40})=(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/gi
const MAX_METADATA_BYTES = 64 * 1024
const METADATA_MS = 3000

/** What `WWW-Authenticate` asks for, by its first challenge; null when it says nothing. */
export function readDemand(header: string | null): AuthDemand | null {
  const text = header?.slice(0, MAX_HEADER_CHARS) ?? ''
  const scheme = /^\s*([A-Za-z][\w-]{0,40})/.exec(text)?.[1]
  if (scheme === undefined) return null
  const said = new Map<string, string>()
  for (const [, name = '', quoted, bare] of text.matchAll(PARAMETER)) {
    said.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '')
  }
  const demand: AuthDemand = { scheme }
  for (const key of ['realm', 'scope', 'error'] as const) {
    const value = said.get(key)
    if (value !== undefined) demand[key] = value.slice(0, MAX_VALUE_CHARS)
  }
  const metadata = said.get('resource_metadata')
  if (metadata !== undefined && URL.canParse(metadata)) demand.resourceMetadata = new URL(metadata).href
  return demand
}

/** RFC 9728, "OAuth 2.0 Protected Resource Metadata". */
const Metadata = z.looseObject({
  authorization_servers: z.array(z.string()).optional(),
  scopes_supported: z.array(z.string()).optional(),
})

/**
 * Adds what the metadata says that the server names: who issues tokens for it. They are fetched over `dispatcher`, whose guard holds
 * for this address too, without any header of the server's; a redirect is not followed. What cannot be had is left out.
 */
export async function withMetadata(demand: AuthDemand, dispatcher: Dispatcher): Promise<AuthDemand> {
  if (demand.resourceMetadata === undefined) return demand
  const url = new URL(demand.resourceMetadata)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return demand
  try {
    const signal = AbortSignal.timeout(METADATA_MS)
    const { statusCode, body } = await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      headers: { accept: 'application/json', 'user-agent': 'toolberth' },
      signal,
    })
    body.on('error', () => {})
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      size += chunk.byteLength
      if (size > MAX_METADATA_BYTES) return demand
    }
    if (statusCode !== 200) return demand
    const said = Metadata.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')))
    return {
      ...demand,
      ...(said.authorization_servers && { authorizationServers: short(said.authorization_servers) }),
      ...(said.scopes_supported && { scopesSupported: short(said.scopes_supported) }),
    }
  } catch {
    return demand
  }
}

function short(values: string[]): string[] {
  return values.slice(0, 20).map((value) => value.slice(0, MAX_VALUE_CHARS))
}

/** What is asked for, in one sentence; null when there is nothing more to say than the code does. */
export function demandInWords(demand: AuthDemand): string | null {
  const { authorizationServers, scope, scopesSupported } = demand
  const parts: string[] = []
  if (authorizationServers?.length)
    parts.push(`Tokens are issued by ${authorizationServers.slice(0, 3).join(', ')}.`)
  const scopes = scope ?? scopesSupported?.join(' ')
  if (scopes) parts.push(`Scopes: ${scopes.slice(0, MAX_VALUE_CHARS)}.`)
  return parts.length > 0 ? parts.join(' ') : null
}
