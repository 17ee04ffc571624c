import { META_CLIENT_CAPABILITIES, META_VERSION, STATELESS_VERSION, standardHeaders } from '#mcp/stateless.ts'
import type { TestGateway } from '#testing/gateway.ts'

/** One JSON-RPC message of a gateway, by the members that tests look at. */
export interface Said {
  id?: unknown
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown> & {
    inputRequests?: Record<string, { method: string; params: Record<string, unknown> }>
    requestState?: string
  }
  error?: { code: number; message: string; data?: Record<string, unknown> }
}

export interface StatelessAnswer {
  status: number
  /** The response. */
  last: Said
  /** What came before it. */
  told: Said[]
}

export interface StatelessRequest {
  id?: number | string
  capabilities?: Record<string, unknown>
  /** Added to `_meta`; undefined takes a key away. */
  meta?: Record<string, unknown>
  /** Added to what the era requires; undefined takes a header away. */
  headers?: Record<string, string | undefined>
  signal?: AbortSignal
}

/** An agent of 2026-07-28 that speaks HTTP by hand. */
export function statelessAgent(gateway: Pick<TestGateway, 'post'>, token: string) {
  async function post(method: string, params: Record<string, unknown> = {}, request: StatelessRequest = {}) {
    const { id = 1, capabilities = {}, meta, headers, signal } = request
    const sent = {
      ...params,
      _meta: { [META_VERSION]: STATELESS_VERSION, [META_CLIENT_CAPABILITIES]: capabilities, ...meta },
    }
    const all = { 'mcp-protocol-version': STATELESS_VERSION, ...standardHeaders(method, params), ...headers }
    const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const body = { jsonrpc: '2.0', id, method, params: sent }
    return gateway.post(token, body, Object.fromEntries(given), signal ? { signal } : {})
  }
  return {
    post,
    async ask(...args: Parameters<typeof post>): Promise<StatelessAnswer> {
      const response = await post(...args)
      const text = await response.text()
      const said = response.headers.get('content-type')?.startsWith('text/event-stream')
        ? [...text.matchAll(/^data: ?(.*)$/gm)].map(([, data]) => JSON.parse(data ?? '') as Said)
        : [JSON.parse(text) as Said]
      return { status: response.status, last: said.at(-1) ?? {}, told: said.slice(0, -1) }
    },
  }
}
