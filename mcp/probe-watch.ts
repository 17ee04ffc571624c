import { ReadableStream } from 'node:stream/web'
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import { DecoratorHandler, type Dispatcher, fetch as undiciFetch } from 'undici'
import { parseRpcMessage, type RpcId } from './json-rpc.ts'

/** Bodies of all answers of one probe together; a list of tools is far below. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** How much of an answer that was no MCP is kept to read an error out of it. */
const MAX_KEPT_BYTES = 4096

/** What the latest POST of the probe got, so that verdicts rest on status and codes and not on an error's text. */
export interface Exchange {
  status: number | null
  contentType: string | null
  wwwAuthenticate: string | null
  location: string | null
  /** Beginning of an answer with an error status or of a type that is no MCP. */
  body: string
  /** What `fetch` or the reading of the body threw. */
  error: unknown
}

export interface Watch {
  readonly fetch: FetchLike
  readonly last: Exchange
}

class ConnectWatcher extends DecoratorHandler {
  readonly #onConnected: () => void
  constructor(handler: Dispatcher.DispatchHandler, onConnected: () => void) {
    super(handler)
    this.#onConnected = onConnected
  }
  onRequestStart(...args: unknown[]): void {
    this.#onConnected()
    // The decorator has this method; undici's types leave it out.
    const parent = DecoratorHandler.prototype as unknown as { onRequestStart(...args: unknown[]): void }
    parent.onRequestStart.apply(this, args)
  }
}

/** Why the SDK would wait in vain: the answers are too large, the request was accepted without one, or its stream ended without it. */
export type DeadEnd = 'too-large' | 'no-answer' | 'closed'

/**
 * A `fetch` over `dispatcher` that keeps what was seen. `onConnected` is called when a request gets its connection (TCP and TLS
 * done); `onDeadEnd` when the answer to request `id` can no longer come.
 */
export function watchedFetch(input: {
  dispatcher: Dispatcher
  onConnected: () => void
  onDeadEnd: (reason: DeadEnd, id: RpcId | null) => void
}): Watch {
  const dispatcher = input.dispatcher.compose(
    (dispatch) => (options, handler) => dispatch(options, new ConnectWatcher(handler, input.onConnected)),
  )
  let received = 0
  const last: Exchange = emptyExchange()

  async function* watchBody(body: AsyncIterable<Uint8Array>, keep: boolean, awaited: RpcId | null) {
    let resumable = false
    try {
      for await (const chunk of body) {
        received += chunk.byteLength
        if (received > MAX_ANSWER_BYTES) {
          input.onDeadEnd('too-large', null)
          return
        }
        const text = Buffer.from(chunk).toString('latin1')
        if (keep) last.body = (last.body + text).slice(0, MAX_KEPT_BYTES)
        if (!keep && /^id:/m.test(text)) resumable = true
        yield chunk
      }
    } catch (error) {
      if (awaited !== null) {
        last.error = error
        input.onDeadEnd('closed', awaited)
      }
      throw error
    }
    // The SDK takes a stream up again only after an event with an id; without one it would wait for ever.
    if (awaited !== null && !keep && !resumable) input.onDeadEnd('closed', awaited)
  }

  const watched: FetchLike = async (url, init) => {
    const posted = init?.method === 'POST'
    const awaited = posted && typeof init.body === 'string' ? requestIdOf(init.body) : null
    if (posted) Object.assign(last, emptyExchange())
    let response: Response
    try {
      const options = { ...init, redirect: 'manual', dispatcher } as Parameters<typeof undiciFetch>[1]
      response = (await undiciFetch(url, options)) as unknown as Response
    } catch (error) {
      if (posted) last.error = error
      throw error
    }
    const type = response.headers.get('content-type')
    if (posted) {
      last.status = response.status
      last.contentType = type
      last.wwwAuthenticate = response.headers.get('www-authenticate')
      last.location = response.headers.get('location')
    }
    if (awaited !== null && response.status === 202) input.onDeadEnd('no-answer', awaited)
    if (!response.body) return response
    const keep = posted && !type?.toLowerCase().startsWith('text/event-stream')
    const { status, statusText, headers } = response
    return new Response(ReadableStream.from(watchBody(response.body, keep, awaited)) as BodyInit, {
      status,
      statusText,
      headers,
    })
  }
  return { fetch: watched, last }
}

function emptyExchange(): Exchange {
  return { status: null, contentType: null, wwwAuthenticate: null, location: null, body: '', error: null }
}

function requestIdOf(body: string): RpcId | null {
  const parsed = parseRpcMessage(body)
  return parsed?.kind === 'request' ? parsed.message.id : null
}
