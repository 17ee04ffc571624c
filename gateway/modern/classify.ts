import type { IncomingHttpHeaders } from 'node:http'
import { type ClassifiedMessage, isRecord, RPC_INVALID_REQUEST } from '#mcp/json-rpc.ts'
import { HEADER_VERSION, META_VERSION, RPC_HEADER_MISMATCH, STATELESS_VERSION } from '#mcp/stateless.ts'
import { type Envelope, readEnvelope } from './envelope.ts'
import type { Refusal } from './refusal.ts'

export type EraOfMessage =
  | { era: 'legacy' }
  /** `envelope` is null for a notification, which says nothing of its client. */
  | { era: 'modern'; envelope: Envelope | null }
  | { era: 'refused'; refusal: Refusal }

/** Whether the header names the stateless era. */
export function namesStateless(headers: IncomingHttpHeaders): boolean {
  return headers[HEADER_VERSION] === STATELESS_VERSION
}

/**
 * The era of one message. The body decides: who names a version in `_meta` speaks the era without sessions, and the header has to
 * say the same. The header alone makes a request one of that era whose `_meta` is missing.
 */
export function classifyEra(
  headers: IncomingHttpHeaders,
  { kind, message }: ClassifiedMessage,
): EraOfMessage {
  const named = namesStateless(headers)
  if (kind === 'response') {
    if (!named) return { era: 'legacy' }
    const text = 'Responses are not sent in this era: send the request again with params.inputResponses.'
    return refused(400, RPC_INVALID_REQUEST, text)
  }
  const meta = message.params?._meta
  const claims = isRecord(meta) && meta[META_VERSION] !== undefined
  if (kind === 'notification') return claims || named ? { era: 'modern', envelope: null } : { era: 'legacy' }
  if (!claims && !named) return { era: 'legacy' }
  if (!claims && message.method === 'initialize') {
    const text = `"initialize" begins a session, and ${STATELESS_VERSION} of the header MCP-Protocol-Version has none.`
    return refused(400, RPC_HEADER_MISMATCH, text)
  }
  const envelope = readEnvelope(isRecord(meta) ? meta : {}, headers[HEADER_VERSION])
  return 'refusal' in envelope
    ? { era: 'refused', refusal: envelope.refusal }
    : { era: 'modern', envelope: envelope.envelope }
}

function refused(status: number, code: number, text: string): EraOfMessage {
  return { era: 'refused', refusal: { status, code, text } }
}
