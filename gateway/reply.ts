import type { ServerResponse } from 'node:http'
import type { RpcMessage } from '#mcp/json-rpc.ts'
import { encodeSse, SSE_HEADERS, SSE_KEEPALIVE } from '#mcp/sse.ts'

/** Proxies cut silent streams after 30 s or more, milliseconds. */
const KEEPALIVE_MS = 15_000
/** How long an answer is awaited that a server streams before it is streamed on, milliseconds. */
const STREAM_AFTER_MS = 1_000

/** The one answer to a request: JSON, or a stream of messages. Nothing of an answer may be stored by anybody on the way. */
export interface Reply {
  readonly streaming: boolean
  /** Nobody reads it: the connection ended. */
  readonly gone: boolean
  /** Bytes of the body written so far, keepalives left out. */
  readonly bodyBytes: number
  /** Called once when the connection ends, after the answer or in the middle of it. */
  onClientGone(listener: () => void): void
  /** Answers with JSON text and ends. */
  json(status: number, body: RpcMessage | string, headers?: Record<string, string>): void
  /** Answers without a body and ends. */
  empty(status: number, headers?: Record<string, string>): void
  /** Begins a stream of server-sent events; `onTick` is called with every keepalive. */
  openStream(onTick?: () => void): void
  /**
   * Begins the stream with the first message or after a second, whichever comes first. A stream that a server opens mostly brings its
   * answer alone, and at once: that goes as JSON, in one write.
   */
  streamSoon(): void
  /** Sends a message as an event of a stream, which it begins where there is none; waits while the client reads slowly. */
  send(message: RpcMessage): Promise<void>
  /** The last message: an event where a stream is open, JSON otherwise. */
  finish(message: RpcMessage): void
  end(): void
}

export function createReply(response: ServerResponse): Reply {
  let keepalive: NodeJS.Timeout | undefined
  let soon: NodeJS.Timeout | undefined
  let bodyBytes = 0
  const counted = (text: string) => {
    bodyBytes += Buffer.byteLength(text)
    return text
  }
  function stopTimers(): void {
    clearInterval(keepalive)
    clearTimeout(soon)
  }
  response.once('close', stopTimers)

  const reply: Reply = {
    get streaming() {
      return response.headersSent
    },
    get gone() {
      return response.destroyed
    },
    get bodyBytes() {
      return bodyBytes
    },
    onClientGone(listener) {
      if (response.destroyed) listener()
      else response.once('close', listener)
    },
    json(status, body, headers) {
      if (response.headersSent) return reply.end()
      stopTimers()
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      bodyBytes = Buffer.byteLength(text)
      response.writeHead(status, {
        'content-type': 'application/json',
        'content-length': bodyBytes,
        'cache-control': 'no-store',
        ...headers,
      })
      response.end(text)
    },
    empty(status, headers) {
      if (response.headersSent) return reply.end()
      const length = status === 204 ? {} : { 'content-length': '0' }
      response.writeHead(status, { 'cache-control': 'no-store', ...length, ...headers })
      response.end()
    },
    openStream(onTick) {
      // What ends with the connection would never end: its end has been told already.
      if (response.headersSent || response.destroyed) return
      stopTimers()
      response.writeHead(200, { ...SSE_HEADERS, 'cache-control': 'no-store, no-transform' })
      response.flushHeaders()
      keepalive = setInterval(() => {
        response.write(SSE_KEEPALIVE)
        onTick?.()
      }, KEEPALIVE_MS)
    },
    streamSoon() {
      if (response.headersSent || response.destroyed) return
      soon ??= setTimeout(() => reply.openStream(), STREAM_AFTER_MS)
    },
    async send(message) {
      if (response.writableEnded || response.destroyed) return
      reply.openStream()
      if (response.write(counted(encodeSse({ data: JSON.stringify(message) })))) return
      await new Promise<void>((resolve) => {
        const done = () => {
          response.off('drain', done).off('close', done)
          resolve()
        }
        response.once('drain', done).once('close', done)
      })
    },
    finish(message) {
      if (!response.headersSent) return reply.json(200, message)
      stopTimers()
      if (!response.writableEnded) response.end(counted(encodeSse({ data: JSON.stringify(message) })))
    },
    end() {
      stopTimers()
      if (!response.writableEnded) response.end()
    },
  }
  return reply
}
