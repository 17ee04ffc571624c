import type { FetchLike } from 'eventsource'

/** What of `fetch` is used; that of Node, of browsers and of undici all fit. */
export type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>

/**
 * The fetch of an event stream. It sends `headers` along, and keeps the reason of a refusal: EventSource drops the body of an
 * answer other than 200, so a typed refusal is handed on as the error event that the same stream would have sent.
 */
export function streamFetch(
  fetch: Fetch = globalThis.fetch,
  headers: () => Promise<Record<string, string>>,
): FetchLike {
  return async (url, init) => {
    const response = await fetch(url, { ...init, headers: { ...(await headers()), ...init.headers } })
    if (response.status < 400 || response.status >= 500) return response
    const body = await response.text()
    const error = errorIn(body)
    if (error === undefined) return new Response(body, { status: response.status, headers: response.headers })
    return new Response(`event: serialized-error\ndata: ${JSON.stringify(error)}\n\n`, {
      headers: { 'content-type': 'text/event-stream' },
    })
  }
}

/** What tRPC put under `error`, or undefined when the answer is somebody else's, such as a proxy's. */
function errorIn(body: string): unknown {
  try {
    const { error } = JSON.parse(body) as { error?: { json?: { code?: unknown } } }
    return typeof error?.json?.code === 'number' ? error : undefined
  } catch {
    return undefined
  }
}
