import { CLIENT_INFO } from './client-info.ts'
import type { RpcParams } from './json-rpc.ts'

/** The version of MCP without sessions. */
export const STATELESS_VERSION = '2026-07-28'

/** Keys of `_meta` that the stateless era reserves (specification, "Request metadata"). */
export const META_PREFIX = 'io.modelcontextprotocol/'
export const META_VERSION = `${META_PREFIX}protocolVersion`
export const META_CLIENT_INFO = `${META_PREFIX}clientInfo`
export const META_CLIENT_CAPABILITIES = `${META_PREFIX}clientCapabilities`
export const META_LOG_LEVEL = `${META_PREFIX}logLevel`
export const META_SERVER_INFO = `${META_PREFIX}serverInfo`
/** Of each message on the stream of `subscriptions/listen`: the id of that request. */
export const META_SUBSCRIPTION_ID = `${META_PREFIX}subscriptionId`

/** Headers that repeat a part of the body, so that what stands between can route without reading it. */
export const HEADER_VERSION = 'mcp-protocol-version'
export const HEADER_METHOD = 'mcp-method'
export const HEADER_NAME = 'mcp-name'

/** A header and the body say different things. */
export const RPC_HEADER_MISMATCH = -32020
/** The request needs what its client did not declare; `data.requiredCapabilities` says what. */
export const RPC_MISSING_CAPABILITY = -32021
/** `data.supported` lists the versions that are spoken. */
export const RPC_UNSUPPORTED_VERSION = -32022

/** What a request says of its client when the client itself has no words for it. */
export function envelopeOf(
  capabilities: Record<string, unknown>,
  logLevel?: string,
): Record<string, unknown> {
  return {
    [META_VERSION]: STATELESS_VERSION,
    [META_CLIENT_INFO]: CLIENT_INFO,
    [META_CLIENT_CAPABILITIES]: capabilities,
    ...(logLevel !== undefined && { [META_LOG_LEVEL]: logLevel }),
  }
}

/** The member of a method's params that its header `Mcp-Name` repeats. */
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

/** The value that `Mcp-Name` has to have; undefined where the method has none. */
export function mcpName(method: string, params: RpcParams | undefined): string | undefined {
  const member = Object.hasOwn(NAMED_BY, method) ? NAMED_BY[method] : undefined
  const value = member === undefined ? undefined : params?.[member]
  return typeof value === 'string' ? value : undefined
}

/** The headers that repeat the body. */
export function standardHeaders(method: string, params: RpcParams | undefined): Record<string, string> {
  const name = mcpName(method, params)
  return { [HEADER_METHOD]: method, ...(name !== undefined && { [HEADER_NAME]: encodeHeaderValue(name) }) }
}

const SENTINEL = /^=\?base64\?([\s\S]*)\?=$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What is no plain visible text goes as `=?base64?…?=`, so that no line break and no other header can hide in a value. */
export function encodeHeaderValue(value: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/.test(value) && !SENTINEL.test(value)
  return plain ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`
}

/** The other way round; null when it says base64 and is none. */
export function decodeHeaderValue(header: string): string | null {
  const base64 = SENTINEL.exec(header)?.[1]
  if (base64 === undefined) return header
  if (!BASE64.test(base64)) return null
  try {
    return utf8.decode(Buffer.from(base64, 'base64'))
  } catch {
    return null
  }
}
