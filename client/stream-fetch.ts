import type { FetchLike } from 'eventsource'

/** What of `fetch` is used; that of Node, of browsers and of undici all fit. */
export type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>

/** JSON-RPC's "invalid request", which tRPC's client takes as final. */
const FINAL_CODE = -32600

/**
 * The fetch of an event stream. It sends `headers` along, and keeps the reason of a refusal: EventSource drops the body and the
 * status of every answer that is no stream, so a final one is handed on as the error event that a stream would have sent.
 */
export function streamFetch(
  fetch: Fetch = globalThis.fetch,
  headers: () => Promise<Record<string, string>>,
): FetchLike {
  return async (url, init) => {
    const response = await fetch(url, { ...init, headers: { ...(await headers()), ...init.headers } })
    const { status } = response
    const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
    if (isStream || status >= 500 || status === 408 || status === 429) return response
    const error = typedError(await response.text()) ?? {
      json: {
        message: `No event stream is served there, but an answer with status ${status}.`,
        code: FINAL_CODE,
        data: { code: 'BAD_REQUEST', httpStatus: status },
      },
    }
    return new Response(`event: serialized-error\ndata: ${JSON.stringify(error)}\n\n`, {
      headers: { 'content-type': 'text/event-stream' },
    })
  }
}

/** What tRPC put under `error`; null when the answer is somebody else's, such as a proxy's. */
function typedError(body: string): unknown {
  try {
    const { error } = JSON.parse(body) as { error?: { json?: { code?: unknown } } }
    return typeof error?.json?.code === 'number' ? error : null
  } catch {
    return null
  }
}
