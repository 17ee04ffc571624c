import type { Dispatcher } from 'undici'

/** Unread bytes of a body after which the server has to wait. */
const HIGH_WATER_BYTES = 256 * 1024
/** A server that has said all ends its answer within this and without many more bytes; milliseconds. */
const LEAVE_MS = 100
const LEAVE_BYTES = 64 * 1024

/** The body of an answer; whoever does not read it to the end calls `leave` or `destroy`. Who stops iterating has left. */
export interface AnswerBody extends AsyncIterable<Buffer> {
  /** The whole body, or null when it is larger; what is left is not read then. */
  bytes(maxBytes: number): Promise<Buffer | null>
  /**
   * Wants no more, and does not wait: the connection can be used again where the answer ends at once, and is ended where it goes on.
   */
  leave(): void
  /** Ends the exchange, and its connection with it. */
  destroy(): void
}

export interface Answer {
  statusCode: number
  headers: Record<string, string | string[] | undefined>
  body: AnswerBody
}

/**
 * One request over undici's dispatcher, without the streams and signals that `dispatcher.request` makes for each: that is a third of what a
 * call costs. Rejects with the signal's reason, or what undici throws.
 */
export function request(
  dispatcher: Dispatcher,
  options: {
    origin: string
    path: string
    method: 'GET' | 'POST' | 'DELETE'
    headers: Record<string, string>
    body?: string
    signal: AbortSignal
  },
): Promise<Answer> {
  const { signal, ...sent } = options
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    let controller: Dispatcher.DispatchController | null = null
    let body: Body | null = null
    const onAbort = () => {
      controller?.abort(signal.reason)
      fail(signal.reason as Error)
    }
    function fail(error: Error): void {
      signal.removeEventListener('abort', onAbort)
      if (body === null) reject(error)
      else body.fail(error)
    }
    signal.addEventListener('abort', onAbort)
    dispatcher.dispatch(sent, {
      onRequestStart(started) {
        controller = started
        // It waited for a free connection, and whoever waited for it is gone.
        if (signal.aborted) started.abort(signal.reason)
      },
      onResponseStart(started, statusCode, headers) {
        if (statusCode < 200) return
        body = new Body(started)
        resolve({ statusCode, headers, body })
      },
      onResponseData(_controller, chunk) {
        body?.push(chunk)
      },
      onResponseEnd() {
        signal.removeEventListener('abort', onAbort)
        body?.finish()
      },
      onResponseError: (_controller, error) => fail(error),
    })
  })
}

class Body implements AnswerBody {
  readonly #controller: Dispatcher.DispatchController
  #chunks: Buffer[] = []
  #size = 0
  #ended = false
  #failure: { error: unknown } | null = null
  #wake: (() => void) | null = null
  #leaving: { timer: NodeJS.Timeout; bytes: number } | null = null

  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller
  }

  push(chunk: Buffer): void {
    if (this.#leaving !== null) {
      this.#leaving.bytes += chunk.length
      if (this.#leaving.bytes > LEAVE_BYTES) this.destroy()
      return
    }
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size > HIGH_WATER_BYTES && !this.#controller.paused) this.#controller.pause()
    this.#wake?.()
  }
  finish(): void {
    this.#ended = true
    clearTimeout(this.#leaving?.timer)
    this.#wake?.()
  }
  fail(error: unknown): void {
    if (this.#ended) return
    clearTimeout(this.#leaving?.timer)
    this.#failure ??= { error }
    this.#wake?.()
  }

  /** What has come since the last time, waiting where nothing has; null at the end. */
  async #take(): Promise<Buffer[] | null> {
    while (this.#chunks.length === 0) {
      if (this.#failure) throw this.#failure.error
      if (this.#ended) return null
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = null
    }
    const chunks = this.#chunks
    this.#chunks = []
    this.#size = 0
    if (this.#controller.paused) this.#controller.resume()
    return chunks
  }

  async bytes(maxBytes: number): Promise<Buffer | null> {
    const all: Buffer[] = []
    let size = 0
    for (let some = await this.#take(); some !== null; some = await this.#take()) {
      for (const chunk of some) {
        size += chunk.length
        all.push(chunk)
      }
      if (size > maxBytes) {
        this.destroy()
        return null
      }
    }
    return all.length === 1 ? (all[0] ?? null) : Buffer.concat(all, size)
  }

  leave(): void {
    if (this.#ended || this.#failure !== null || this.#leaving !== null) return
    this.#leaving = { timer: setTimeout(() => this.destroy(), LEAVE_MS), bytes: this.#size }
    this.#chunks = []
    if (this.#controller.paused) this.#controller.resume()
  }

  destroy(): void {
    if (!this.#ended) this.#controller.abort(new Error('The rest of the answer is not wanted.'))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    try {
      for (let some = await this.#take(); some !== null; some = await this.#take()) yield* some
    } finally {
      this.leave()
    }
  }
}
