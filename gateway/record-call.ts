import { randomUUID } from 'node:crypto'
import { isRpcFailure, type RpcResponse } from '#mcp/json-rpc.ts'
import { createRedactor } from '#protocol/redact.ts'
import type { CallRow } from '#server/calls/log.ts'
import { CallStopped } from './call-registry.ts'
import type { AgentRequest, GatewayContext } from './context.ts'
import type { CatalogueEntry } from './lists/catalogue.ts'
import { UpstreamError } from './upstream/error.ts'

export type CallEnd = Pick<CallRow, 'outcome' | 'code'>

/** Characters of a call's arguments, as JSON. */
const MAX_ARGUMENTS = 4096
const redactor = createRedactor([])

/** Redacted; of what is too long the beginning, as text. */
export function loggedArguments(args: unknown): unknown {
  if (args === undefined) return null
  const redacted = redactor.value(args)
  const text = JSON.stringify(redacted)
  if (text.length <= MAX_ARGUMENTS) return redacted
  return { cut: text.slice(0, MAX_ARGUMENTS), characters: text.length }
}

/** Of an answer that its server gave. */
export function endOfAnswer(answer: RpcResponse): CallEnd {
  if (isRpcFailure(answer)) return { outcome: 'tool_error', code: String(answer.error.code) }
  return { outcome: answer.result.isError === true ? 'tool_error' : 'ok', code: null }
}

/** Of a call that has no answer of its server. */
export function endOfError(error: unknown): CallEnd {
  if (error instanceof CallStopped) return { outcome: 'cancelled', code: error.reason }
  if (!(error instanceof UpstreamError)) return { outcome: 'failed', code: 'INTERNAL' }
  const refused = error.code === 'TOO_MANY_CALLS' || error.code === 'CREDENTIALS_MISSING'
  return { outcome: refused ? 'refused' : 'failed', code: error.code }
}

/** Counts a call that has ended and notes it for the log of calls; to be called after its answer was written. */
export function recordCall(
  { metrics, callLog }: GatewayContext,
  { view, startedAt, requestBytes, reply }: AgentRequest,
  { connection, original }: Pick<CatalogueEntry, 'connection' | 'original'>,
  { outcome, code }: CallEnd,
  args: unknown,
): void {
  const ms = performance.now() - startedAt
  metrics.countCall(outcome, ms)
  callLog.note({
    id: randomUUID(),
    at: new Date(Date.now() - ms).toISOString(),
    agentId: view.rights.agentId,
    connectionId: connection.id,
    serverId: connection.serverId,
    userId: view.rights.userId,
    tool: original,
    outcome,
    code,
    ms: Math.round(ms),
    requestBytes,
    responseBytes: reply.bodyBytes,
    arguments: connection.settings.logArguments ? loggedArguments(args) : null,
    via: view.rights.via,
  })
}
