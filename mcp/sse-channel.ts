import type { Dispatcher } from 'undici'
import { parseRpcMessage, type RpcMessage } from './json-rpc.ts'
import type { RelayChannel } from './relay-channel.ts'
import { readSse } from './sse.ts'

const MAX_EVENT_CHARS = 4 * 1024 * 1024

/** The server answered, but not as a server of MCP's older SSE transport does. `status` is that of its answer. */
export class SseRefused extends Error {
  readonly status: number
  readonly wwwAuthenticate: string | null
  constructor(status: number, message: string, wwwAuthenticate: string | null = null) {
    super(message)
    this.name = 'SseRefused'
    this.status = status
    this.wwwAuthenticate = wwwAuthenticate
  }
}

/**
 * Connects to a server of the HTTP+SSE transport (specification 2024-11-05): its stream names the address that messages are posted
 * to, and brings everything back. That address has to be of the stream's own origin: `headers` go nowhere else. Rejects with
 * SseRefused, or with undici's error; after `timeoutMs` with the signal's.
 */
export async function openSseChannel(options: {
  url: URL
  headers: Record<string, string>
  dispatcher: Dispatcher
  timeoutMs: number
  onMessage(message: RpcMessage): void
  onClose(reason: string): void
}): Promise<RelayChannel> {
  const { url, headers, dispatcher } = options
  const over = new AbortController()
  const late = setTimeout(
    () => over.abort(new SseRefused(0, 'The server named no address for messages in time.')),
    options.timeoutMs,
  )
  const named = Promise.withResolvers<URL>()
  named.promise.catch(() => {})
  let closed = false

  function close(): void {
    closed = true
    over.abort()
  }

  try {
    const {
      statusCode,
      headers: said,
      body,
    } = await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      headers: { ...headers, accept: 'text/event-stream', 'user-agent': 'toolberth' },
      signal: over.signal,
    })
    if (statusCode !== 200 || !String(said['content-type']).startsWith('text/event-stream')) {
      body.on('error', () => {}).destroy()
      const what = statusCode === 200 ? 'no event stream' : `status ${statusCode}`
      const asked = said['www-authenticate']
      throw new SseRefused(
        statusCode,
        `The server answered with ${what} where its SSE stream should be.`,
        (Array.isArray(asked) ? asked[0] : asked) ?? null,
      )
    }
    void read(body)
    const endpoint = await Promise.race([named.promise, aborted(over.signal)])
    return {
      close,
      async send(message) {
        const answer = await dispatcher.request({
          origin: endpoint.origin,
          path: endpoint.pathname + endpoint.search,
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'toolberth' },
          body: JSON.stringify(message),
          signal: over.signal,
        })
        await answer.body.dump()
        if (answer.statusCode >= 300)
          throw new Error(`The server refused the message with status ${answer.statusCode}.`)
      },
    }
  } catch (error) {
    close()
    throw over.signal.reason instanceof SseRefused ? over.signal.reason : error
  } finally {
    clearTimeout(late)
  }

  async function read(body: AsyncIterable<Uint8Array>): Promise<void> {
    let reason = 'The server closed its stream.'
    try {
      for await (const { event, data } of readSse(body, { maxEventChars: MAX_EVENT_CHARS })) {
        if (event === 'endpoint') named.resolve(endpointOf(data, url))
        else if (event === 'message') {
          const parsed = parseRpcMessage(data)
          if (parsed !== null) options.onMessage(parsed.message)
        }
      }
    } catch (error) {
      named.reject(error)
      reason = 'The stream of the server broke.'
    }
    named.reject(new SseRefused(200, 'The stream ended before it named an address for messages.'))
    if (closed) return
    close()
    options.onClose(reason)
  }
}

function endpointOf(data: string, stream: URL): URL {
  const endpoint = URL.canParse(data, stream) ? new URL(data, stream) : null
  if (endpoint?.origin !== stream.origin)
    throw new SseRefused(200, 'The server wants messages at an address of another origin; that is refused.')
  return endpoint
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(signal.reason as Error)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
}
