import type { IncomingMessage, ServerResponse } from 'node:http'
import { AgentFailure, HTTP_STATUS } from '#dtma/agent-failure.ts'
import { BoundedHttpError, readBounded } from '#protocol/bounded-http.ts'

/** Specs with 64 arguments and a few large variables; a megabyte is far above what contracts let through in practice. */
export const MAX_PUT_BYTES = 4 * 1024 * 1024
/** One MCP message. */
export const MAX_MCP_BYTES = 4 * 1024 * 1024
const BODY_TIMEOUT_MS = 30_000

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return
  const text = JSON.stringify(value)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  response.end(text)
}

/** Answers a failure as an AgentError. Answers whether it was an unexpected one, whose text stays here. */
export function sendFailure(response: ServerResponse, error: unknown): { unexpected: boolean } {
  const failure = asFailure(error)
  if (response.headersSent) {
    response.destroy()
  } else {
    sendJson(response, HTTP_STATUS[failure.code], {
      error: {
        code: failure.code,
        message: failure.message,
        ...(failure.fence === undefined ? {} : { fence: failure.fence }),
      },
    })
  }
  return { unexpected: failure !== error && !(error instanceof BoundedHttpError) }
}

function asFailure(error: unknown): AgentFailure {
  if (error instanceof AgentFailure) return error
  if (error instanceof BoundedHttpError) {
    return new AgentFailure(error.code === 'TOO_LARGE' ? 'TOO_LARGE' : 'BAD_REQUEST', error.message)
  }
  return new AgentFailure('INTERNAL', 'The agent failed; its log has the reason.')
}

/** The whole body. What was refused is read on and thrown away, for a caller that is still writing would not see the refusal. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  try {
    const declared = Number(request.headers['content-length'] ?? 0)
    if (declared > maxBytes) {
      throw new BoundedHttpError('TOO_LARGE', `The body is larger than ${maxBytes} bytes.`)
    }
    const body = { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) }
    return await readBounded(body as AsyncIterable<Uint8Array>, { maxBytes, timeoutMs: BODY_TIMEOUT_MS })
  } catch (error) {
    request.resume()
    throw error
  }
}
