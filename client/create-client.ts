import {
  createTRPCClient,
  httpBatchLink,
  httpSubscriptionLink,
  retryLink,
  splitLink,
  type TRPCClient,
} from '@trpc/client'
import { EventSource } from 'eventsource'
import superjson from 'superjson'
import { API_KEY_PATTERN } from '#contracts/tokens.ts'
import type { AppRouter } from '#server/trpc/router.ts'
import { isWorthRetrying } from './errors.ts'
import { type Fetch, streamFetch } from './stream-fetch.ts'

/** Every procedure of a Toolberth, typed: `toolberth.servers.list.query()`. */
export type ToolberthClient = TRPCClient<AppRouter>

export interface ToolberthClientOptions {
  /** Where the web application is reached, such as `http://localhost:3000`. */
  url: string | URL
  /** `tbk_` and 43 characters, from the settings page or `apiKeys.create`. Left undefined it is refused at once. */
  apiKey: string | undefined
  /** In place of the global `fetch`: for a proxy, a certificate of one's own, tracing. */
  fetch?: Fetch
  /** Sent with every request; a function is asked each time. */
  headers?: Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>)
}

/** Proxies and servers refuse request lines from about 8 KiB on; a longer batch goes out as several. */
const MAX_URL_LENGTH = 6_000
/** First and longest wait between attempts to reopen a stream, milliseconds. */
const RETRY_FIRST_MS = 500
const RETRY_LONGEST_MS = 15_000

/**
 * A typed client of the Toolberth at `url`. Queries and mutations of the same moment go out as one request; subscriptions
 * survive restarts and lost connections, and go on after the last event that arrived. Throws TypeError for a URL or a key that
 * cannot be one; a call rejects with a TRPCClientError, which `toolberthError` reads.
 */
export function createToolberthClient(options: ToolberthClientOptions): ToolberthClient {
  const apiKey = checkedKey(options.apiKey)
  const url = endpointOf(options.url)
  const { fetch, headers: extra } = options
  const headers = async () => ({
    ...(typeof extra === 'function' ? await extra() : extra),
    authorization: `Bearer ${apiKey}`,
  })
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: (op) => op.type === 'subscription',
        true: [
          retryLink({
            retry: ({ error }) => isWorthRetrying(error),
            retryDelayMs: (attempt) => Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt, 6)),
          }),
          httpSubscriptionLink({
            url,
            transformer: superjson,
            EventSource,
            eventSourceOptions: { fetch: streamFetch(fetch, headers) },
          }),
        ],
        false: httpBatchLink({
          url,
          transformer: superjson,
          headers,
          maxURLLength: MAX_URL_LENGTH,
          // tRPC's own idea of fetch is wider and looser; what it passes is a string and a plain RequestInit.
          fetch: (input, init) => (fetch ?? globalThis.fetch)(input as string, init as RequestInit),
        }),
      }),
    ],
  })
}

function endpointOf(given: string | URL): string {
  const text = String(given)
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new TypeError(`url is where Toolberth is reached, such as http://localhost:3000, not "${text}".`)
  const base = new URL(text)
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return new URL('api/trpc', base).href
}

function checkedKey(key: string | undefined): string {
  if (key === undefined || key === '')
    throw new TypeError('apiKey is missing; make one under Settings, or read it from a variable that is set.')
  if (key.startsWith('tba_'))
    throw new TypeError('apiKey is the token of an agent; scripts need an API key, which starts with "tbk_".')
  if (!API_KEY_PATTERN.test(key))
    throw new TypeError(
      'apiKey is no API key of Toolberth: "tbk_" and 43 characters, nothing before or after.',
    )
  return key
}
