import { CLIENT_INFO } from './client-info.ts'
import type { RpcParams } from './json-rpc.ts'

/** The version of MCP without sessions. */
export const STATELESS_VERSION = '2026-07-28'

/** Error code of its own: a version that the server does not speak; `data.supported` names those that it does. */
export const RPC_UNSUPPORTED_VERSION = -32_022

/** Keys of `_meta` that every request of 2026-07-28 carries (specification, "Request metadata"). */
const META_VERSION = 'io.modelcontextprotocol/protocolVersion'
const META_CLIENT_INFO = 'io.modelcontextprotocol/clientInfo'
const META_CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
const META_LOG_LEVEL = 'io.modelcontextprotocol/logLevel'

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
  return { 'mcp-method': method, ...(name !== undefined && { 'mcp-name': encodeHeaderValue(name) }) }
}

const SENTINEL = /^=\?base64\?([\s\S]*)\?=$/

/** What is no plain visible text goes as `=?base64?…?=`, so that no line break and no other header can hide in a value. */
export function encodeHeaderValue(value: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/.test(value) && !SENTINEL.test(value)
  return plain ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`
}
