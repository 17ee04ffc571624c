import type { IncomingMessage } from 'node:http'
import {
  classifyMessage,
  isRecord,
  isRpcId,
  RPC_INVALID_REQUEST,
  RPC_PARSE_ERROR,
  type RpcId,
  type RpcNotification,
  rpcFailure,
} from '#mcp/json-rpc.ts'
import type { AgentRequest, GatewayContext } from './context.ts'
import { handleRpcRequest } from './legacy/handle-rpc-request.ts'
import { initializeSession } from './legacy/initialize-session.ts'
import { requireSession } from './legacy/require-session.ts'
import { accepts, mediaType } from './media-types.ts'
import { classifyEra } from './modern/classify.ts'
import { handleRpcRequest as handleStateless } from './modern/handle-rpc-request.ts'
import { refuse } from './modern/refusal.ts'
import { MAX_BODY_BYTES, readBody } from './read-body.ts'

/** One message of an agent: read, checked and passed to its handler. */
export async function handlePost(
  context: GatewayContext,
  request: IncomingMessage,
  agent: AgentRequest,
): Promise<void> {
  const { reply } = agent
  const refused = refusedHeaders(request)
  if (refused) {
    request.resume()
    return reply.json(refused.status, rpcFailure(null, RPC_INVALID_REQUEST, refused.text))
  }
  const body = await readBody(request)
  if (body === 'closed') return reply.end()
  if (typeof body === 'string') {
    const text =
      body === 'timeout'
        ? 'The body of the request did not arrive in time.'
        : `The body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB. Send less at once.`
    const status = body === 'timeout' ? 408 : 413
    return reply.json(status, rpcFailure(null, RPC_INVALID_REQUEST, text), { connection: 'close' })
  }

  agent.requestBytes = body.bytes
  const parsed = parseBody(body.text)
  if ('error' in parsed) return reply.json(400, parsed.error)
  const { kind, message } = parsed.classified
  const classified = classifyEra(agent.headers, parsed.classified)
  if (classified.era === 'refused') {
    return refuse(reply, kind === 'request' ? message.id : null, classified.refusal)
  }
  if (classified.era === 'modern') {
    // A request is cancelled by closing its stream, so there is no notification that has to be heard.
    if (kind !== 'request' || classified.envelope === null) return reply.empty(202)
    agent.log.rpcMethod = message.method
    return handleStateless(context, agent, message, classified.envelope)
  }
  if (kind === 'request' && message.method === 'initialize') {
    agent.log.rpcMethod = message.method
    return initializeSession(context, agent, message)
  }
  const id: RpcId | null = kind === 'request' ? message.id : null
  const session = await requireSession(context, agent, id)
  if (session === null) return
  if (kind === 'request') {
    agent.log.rpcMethod = message.method
    return handleRpcRequest(context, agent, session, message)
  }
  if (kind === 'notification') handleNotification(context, session.id, message)
  else if (!context.questions.answer(session.id, message)) {
    // Another replica may have asked.
    context.bus.publish({ kind: 'answer', sessionId: session.id, response: message })
  }
  reply.empty(202)
}

function handleNotification(
  context: GatewayContext,
  sessionId: string,
  { method, params }: RpcNotification,
): void {
  if (method !== 'notifications/cancelled') return
  const requestId = params?.requestId
  if (!isRpcId(requestId) || context.calls.cancel(sessionId, requestId)) return
  context.bus.publish({ kind: 'cancel', sessionId, requestId })
}

function refusedHeaders({ headers }: IncomingMessage): { status: number; text: string } | null {
  if (mediaType(headers['content-type']) !== 'application/json') {
    return { status: 415, text: 'Send the header "Content-Type: application/json".' }
  }
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
    return { status: 415, text: 'Compressed bodies are not read here: send it without Content-Encoding.' }
  }
  if (!accepts(headers.accept, 'application/json') || !accepts(headers.accept, 'text/event-stream')) {
    return { status: 406, text: 'Send the header "Accept: application/json, text/event-stream".' }
  }
  return null
}

function parseBody(
  text: string,
):
  | { classified: NonNullable<ReturnType<typeof classifyMessage>> }
  | { error: ReturnType<typeof rpcFailure> } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { error: rpcFailure(null, RPC_PARSE_ERROR, 'The body is not JSON.') }
  }
  if (Array.isArray(value)) {
    const message = 'Batches are not part of MCP since 2025-06-18: send one message per request.'
    return { error: rpcFailure(null, RPC_INVALID_REQUEST, message) }
  }
  const classified = classifyMessage(value)
  if (classified) return { classified }
  const id = isRecord(value) && isRpcId(value.id) ? value.id : null
  return { error: rpcFailure(id, RPC_INVALID_REQUEST, 'The body is not a JSON-RPC 2.0 message of MCP.') }
}
