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

/**
 * A class, not an object literal with getters: each such literal has a hidden class of its own, which keeps what its getters see until the
 * next full collection, and makes every use of a reply slow.
 */
class HttpReply implements Reply {
  readonly #response: ServerResponse
  #keepalive: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined
  #bodyBytes = 0

  constructor(response: ServerResponse) {
    this.#response = response
    response.once('close', () => this.#stopTimers())
  }

  #stopTimers(): void {
    clearInterval(this.#keepalive)
    clearTimeout(this.#soon)
  }
  #counted(text: string): string {
    this.#bodyBytes += Buffer.byteLength(text)
    return text
  }

  get streaming(): boolean {
    return this.#response.headersSent
  }
  get gone(): boolean {
    return this.#response.destroyed
  }
  get bodyBytes(): number {
    return this.#bodyBytes
  }

  onClientGone(listener: () => void): void {
    if (this.#response.destroyed) listener()
    else this.#response.once('close', listener)
  }

  json(status: number, body: RpcMessage | string, headers?: Record<string, string>): void {
    if (this.#response.headersSent) return this.end()
    this.#stopTimers()
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    this.#bodyBytes = Buffer.byteLength(text)
    this.#response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': this.#bodyBytes,
      'cache-control': 'no-store',
      ...headers,
    })
    this.#response.end(text)
  }

  empty(status: number, headers?: Record<string, string>): void {
    if (this.#response.headersSent) return this.end()
    const length = status === 204 ? {} : { 'content-length': '0' }
    this.#response.writeHead(status, { 'cache-control': 'no-store', ...length, ...headers })
    this.#response.end()
  }

  openStream(onTick?: () => void): void {
    const response = this.#response
    // What ends with the connection would never end: its end has been told already.
    if (response.headersSent || response.destroyed) return
    this.#stopTimers()
    response.writeHead(200, { ...SSE_HEADERS, 'cache-control': 'no-store, no-transform' })
    response.flushHeaders()
    this.#keepalive = setInterval(() => {
      response.write(SSE_KEEPALIVE)
      onTick?.()
    }, KEEPALIVE_MS)
  }

  streamSoon(): void {
    if (this.#response.headersSent || this.#response.destroyed) return
    this.#soon ??= setTimeout(() => this.openStream(), STREAM_AFTER_MS)
  }

  async send(message: RpcMessage): Promise<void> {
    const response = this.#response
    if (response.writableEnded || response.destroyed) return
    this.openStream()
    if (response.write(this.#counted(encodeSse({ data: JSON.stringify(message) })))) return
    await new Promise<void>((resolve) => {
      const done = () => {
        response.off('drain', done).off('close', done)
        resolve()
      }
      response.once('drain', done).once('close', done)
    })
  }

  finish(message: RpcMessage): void {
    if (!this.#response.headersSent) return this.json(200, message)
    this.#stopTimers()
    if (!this.#response.writableEnded)
      this.#response.end(this.#counted(encodeSse({ data: JSON.stringify(message) })))
  }

  end(): void {
    this.#stopTimers()
    if (!this.#response.writableEnded) this.#response.end()
  }
}

export function createReply(response: ServerResponse): Reply {
  return new HttpReply(response)
}
