import type { IncomingMessage } from 'node:http'

export interface Guard {
  /** In words why a request is refused (403); `null` when it may go on. */
  refusal(request: Pick<IncomingMessage, 'headers'>): string | null
  /** Headers for a browser page of an allowed origin. */
  corsHeaders(origin: string | undefined): Record<string, string>
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])

/**
 * Against pages that call a gateway behind their visitor's back: a foreign Origin is refused, and on a loopback address a Host that
 * is neither loopback nor one of ours (DNS rebinding). `publicUrls`: where pages and agents reach this installation.
 */
export function createGuard(input: { host: string; publicUrls: string[] }): Guard {
  const origins = new Set(input.publicUrls.map((url) => new URL(url).origin))
  const hosts = new Set([...LOOPBACK, ...input.publicUrls.map((url) => new URL(url).hostname)])
  const checksHost = LOOPBACK.has(input.host)

  return {
    refusal({ headers }) {
      if (headers.origin !== undefined && !origins.has(headers.origin)) {
        return 'Requests of pages from other origins are refused.'
      }
      if (!checksHost) return null
      return hosts.has(hostnameOf(headers.host ?? ''))
        ? null
        : 'The Host header names neither this machine nor GATEWAY_PUBLIC_URL.'
    },
    corsHeaders(origin): Record<string, string> {
      if (origin === undefined || !origins.has(origin)) return {}
      return {
        vary: 'origin',
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'mcp-session-id, www-authenticate',
      }
    },
  }
}

function hostnameOf(host: string): string {
  const match = /^(\[[0-9a-f:.]+\]|[^:]+)(?::\d{1,5})?$/i.exec(host)
  return match?.[1]?.toLowerCase() ?? ''
}
