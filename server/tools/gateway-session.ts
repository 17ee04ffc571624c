import type { RawMessage } from '#contracts/tools.ts'
import {
  type ClassifiedMessage,
  classifyMessage,
  isRpcFailure,
  type RpcResponse,
  rpcNotification,
  rpcRequest,
} from '#mcp/json-rpc.ts'
import { readSse } from '#mcp/sse.ts'
import { LATEST_SESSION_VERSION } from '#mcp/versions.ts'
import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'

/** Bodies of one answer. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** Handshake and end of the session. */
const STEP_MS = 15_000
const CLIENT_INFO = { name: 'toolberth-inspector', version: '1.0.0' }

export interface GatewaySession {
  /** Everything that was said so far, the handshake included. */
  messages: RawMessage[]
  /** One request and its answer. Throws AppError GATEWAY_UNREACHABLE, CALL_TIMED_OUT, AGENT_TOKEN_INVALID. */
  request: (method: string, params: Record<string, unknown>, timeoutMs: number) => Promise<RpcResponse>
}

/**
 * A session of the sessionful era with our own gateway, over HTTP like any agent's: what is seen here is what agents see. Declares
 * no capabilities, so servers ask nothing back. It is ended properly however `work` ends.
 */
export async function withGatewaySession<T>(
  input: { agentId: string; token: string; signal?: AbortSignal | undefined },
  work: (session: GatewaySession) => Promise<T>,
): Promise<T> {
  const url = `${env.GATEWAY_URL}/agents/${input.agentId}/mcp`
  const startedAt = performance.now()
  const messages: RawMessage[] = []
  const note = (direction: RawMessage['direction'], status: number | null, message: unknown) =>
    messages.push({ direction, atMs: Math.round((performance.now() - startedAt) * 10) / 10, status, message })
  let headers: Record<string, string> = { authorization: `Bearer ${input.token}` }
  let nextId = 1

  async function post(message: object, timeoutMs: number): Promise<Response> {
    note('sent', null, message)
    const limits = [AbortSignal.timeout(timeoutMs), ...(input.signal ? [input.signal] : [])]
    return fetch(url, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(message),
      redirect: 'error',
      signal: AbortSignal.any(limits),
    })
  }

  async function exchange(method: string, params: Record<string, unknown>, timeoutMs: number) {
    const id = nextId++
    try {
      const response = await post(rpcRequest(id, method, params), timeoutMs)
      for await (const message of readMessages(response)) {
        note('received', response.status, message)
        const classified: ClassifiedMessage | null = classifyMessage(message)
        if (classified?.kind !== 'response') continue
        if (classified.message.id !== id && response.ok) continue
        if (response.status === 401)
          throw new AppError('AGENT_TOKEN_INVALID', 'the gateway refused the ticket')
        return { answer: classified.message, headers: response.headers }
      }
      throw new AppError('GATEWAY_UNREACHABLE', `the gateway answered ${response.status} without a message`)
    } catch (error) {
      input.signal?.throwIfAborted()
      if (error instanceof AppError) throw error
      if (error instanceof Error && error.name === 'TimeoutError')
        throw new AppError('CALL_TIMED_OUT', `${method} took more than ${timeoutMs} ms`, { cause: error })
      throw new AppError('GATEWAY_UNREACHABLE', 'the gateway did not answer', { cause: error })
    }
  }

  const opened = await exchange(
    'initialize',
    { protocolVersion: LATEST_SESSION_VERSION, capabilities: {}, clientInfo: CLIENT_INFO },
    STEP_MS,
  )
  if (isRpcFailure(opened.answer))
    throw new AppError('GATEWAY_UNREACHABLE', opened.answer.error.message, {
      detail: opened.answer.error.message,
    })
  headers = {
    ...headers,
    'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': LATEST_SESSION_VERSION,
  }
  try {
    const confirmed = await post(rpcNotification('notifications/initialized'), STEP_MS)
    await confirmed.body?.cancel()
    return await work({
      messages,
      request: async (method, params, timeoutMs) => (await exchange(method, params, timeoutMs)).answer,
    })
  } finally {
    // A courtesy: the gateway's own idle limit ends the session too.
    await fetch(url, { method: 'DELETE', headers, signal: AbortSignal.timeout(STEP_MS) })
      .then((response) => response.body?.cancel())
      .catch(() => undefined)
  }
}

/** The JSON-RPC messages of an answer, whether it is one JSON document or a stream of events. */
async function* readMessages(response: Response): AsyncGenerator<unknown> {
  if (!response.body) return
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    for await (const event of readSse(bounded(response.body), { maxEventChars: MAX_ANSWER_BYTES }))
      yield JSON.parse(event.data)
    return
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of bounded(response.body)) chunks.push(chunk)
  yield JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

async function* bounded(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > MAX_ANSWER_BYTES)
      throw new AppError('PAYLOAD_TOO_LARGE', 'answer too large', {
        detail: 'The answer is larger than 16 MiB.',
      })
    yield chunk
  }
}
