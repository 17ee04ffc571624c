import { isRecord, RPC_INVALID_PARAMS } from '#mcp/json-rpc.ts'
import { isLogLevel, LOG_LEVELS, type LogLevel } from '#mcp/log-levels.ts'
import {
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  META_VERSION,
  RPC_HEADER_MISMATCH,
  RPC_UNSUPPORTED_VERSION,
  STATELESS_VERSION,
} from '#mcp/stateless.ts'
import type { Refusal } from './refusal.ts'

/** What a request says of its client. */
export interface Envelope {
  clientInfo: Record<string, unknown> | undefined
  capabilities: Record<string, unknown>
  logLevel: LogLevel | undefined
}

/** Versions that are spoken here without sessions; those with them are agreed on by `initialize`. */
export const SUPPORTED_VERSIONS = [STATELESS_VERSION]

/** Reads the reserved keys of a request's `_meta`; whoever sends them wrong is told which. */
export function readEnvelope(
  meta: Record<string, unknown>,
  versionHeader: string | string[] | undefined,
): { envelope: Envelope } | { refusal: Refusal } {
  const version = meta[META_VERSION]
  const clientInfo = meta[META_CLIENT_INFO]
  const capabilities = meta[META_CLIENT_CAPABILITIES]
  const logLevel = meta[META_LOG_LEVEL]
  if (typeof version !== 'string') return wrong(META_VERSION, 'has to name a version of MCP')
  if (versionHeader !== version) {
    const said = versionHeader === undefined ? 'is missing' : `is ${quoted(versionHeader)}`
    const text = `The header MCP-Protocol-Version ${said}, and params._meta says ${quoted(version)}.`
    return { refusal: { status: 400, code: RPC_HEADER_MISMATCH, text } }
  }
  if (version !== STATELESS_VERSION) {
    const text = `Version ${quoted(version)} is not supported without a session (supported: ${SUPPORTED_VERSIONS.join(', ')}).`
    const data = { supported: SUPPORTED_VERSIONS, requested: version }
    return { refusal: { status: 400, code: RPC_UNSUPPORTED_VERSION, text, data } }
  }
  if (!isRecord(capabilities)) return wrong(META_CLIENT_CAPABILITIES, 'has to be an object')
  if (clientInfo !== undefined && !isRecord(clientInfo)) return wrong(META_CLIENT_INFO, 'has to be an object')
  if (logLevel !== undefined && !isLogLevel(logLevel))
    return wrong(META_LOG_LEVEL, `has to be one of ${LOG_LEVELS.join(', ')}`)
  return { envelope: { clientInfo, capabilities, logLevel } }
}

function wrong(key: string, text: string): { refusal: Refusal } {
  return { refusal: { status: 400, code: RPC_INVALID_PARAMS, text: `params._meta["${key}"] ${text}.` } }
}

function quoted(value: unknown): string {
  return JSON.stringify(value).slice(0, 60)
}
