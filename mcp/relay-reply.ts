import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { type RpcId, type RpcMessage, type RpcResponse, rpcFailure } from './json-rpc.ts'
import { encodeSse, SSE_HEADERS, SSE_KEEPALIVE } from './sse.ts'

/** Shorter than the idle limits of common proxies (60 s) and of undici (300 s). */
const KEEPALIVE_MS = 15_000

/** The answer to one POST: plain JSON, unless something has to be said before it or it takes long. */
export type ClientReply = {
  /** False when this client reads no event stream here, or is gone. */
  write(message: RpcMessage): boolean
  finish(answer: RpcResponse): void
  onGone(callback: () => void): void
}

export function createReply(headers: IncomingHttpHeaders, response: ServerResponse): ClientReply {
  const accept = headers.accept ?? ''
  const streams = accept.includes('text/event-stream')
  let stream: RelayStream | null = null
  const start = () => {
    stream ??= openGetStream(response)
    return stream
  }
  // A client that reads nothing else is not kept waiting for its headers.
  const timer = streams ? setTimeout(start, KEEPALIVE_MS) : undefined
  timer?.unref()
  response.once('close', () => clearTimeout(timer))
  return {
    write(message) {
      if (!streams || response.destroyed || response.writableEnded) return false
      start().write(message)
      return true
    },
    finish(answer) {
      clearTimeout(timer)
      if (response.destroyed || response.writableEnded) return
      if (stream === null && (!streams || accept.includes('application/json')))
        return sendJson(response, 200, answer)
      start().write(answer)
      start().end()
    },
    onGone(callback) {
      response.once('close', () => {
        if (!response.writableFinished) callback()
      })
    },
  }
}

export type RelayStream = {
  write(message: RpcMessage): void
  end(): void
  onClose(callback: () => void): void
}

/** Answers with an event stream, kept alive by comments until either side ends it. */
export function openGetStream(response: ServerResponse): RelayStream {
  response.writeHead(200, SSE_HEADERS)
  response.flushHeaders()
  const timer = setInterval(() => response.write(SSE_KEEPALIVE), KEEPALIVE_MS)
  response.once('close', () => clearInterval(timer))
  return {
    write: (message) => void response.write(encodeSse({ data: JSON.stringify(message) })),
    end: () => {
      clearInterval(timer)
      response.end()
    },
    onClose: (callback) => void response.once('close', callback),
  }
}

export function refuse(
  response: ServerResponse,
  status: number,
  id: RpcId | null,
  code: number,
  message: string,
  data?: unknown,
): void {
  sendJson(response, status, rpcFailure(id, code, message, data))
}

function sendJson(response: ServerResponse, status: number, body: RpcResponse): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
