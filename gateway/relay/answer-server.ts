import { postMessage } from '#gateway/upstream/http.ts'
import type { UpstreamLease } from '#gateway/upstream/sessions.ts'
import {
  RPC_INTERNAL_ERROR,
  RPC_METHOD_NOT_FOUND,
  type RpcMessage,
  type RpcRequest,
  rpcFailure,
  rpcResult,
} from '#mcp/json-rpc.ts'
import { type ClientSide, declares, type Question } from './client-side.ts'

/** Messages to the server beside a request (a cancellation, an answer to its ping), milliseconds. */
const ASIDE_TIMEOUT_MS = 10_000

/** Answers a request of the server: the client's to answer if it said that it does. Never throws. */
export async function answerServer(
  client: Pick<ClientSide, 'ask' | 'capabilities'>,
  lease: Pick<UpstreamLease, 'endpoint' | 'session'>,
  { id, method, params }: RpcRequest,
  signal: AbortSignal,
): Promise<void> {
  if (method === 'ping') return sendAside(lease, rpcResult(id, {}))
  const question: Question = { method, ...(params !== undefined && { params }) }
  if (client.ask === null || !declares(client.capabilities, question)) {
    return sendAside(lease, rpcFailure(id, RPC_METHOD_NOT_FOUND, `Method not found: ${method}`))
  }
  try {
    const response = await client.ask(question, signal)
    sendAside(lease, { ...response, id })
  } catch {
    sendAside(lease, rpcFailure(id, RPC_INTERNAL_ERROR, 'The client did not answer.'))
  }
}

/** Nobody waits for these, and a request does not fail by them. */
export function sendAside(lease: Pick<UpstreamLease, 'endpoint' | 'session'>, message: RpcMessage): void {
  postMessage(lease.endpoint, lease.session, message, AbortSignal.timeout(ASIDE_TIMEOUT_MS))
    .then(
      ({ body }) => body.leave(),
      () => {},
    )
    .catch(() => {})
}
