import type { ProbeFailure, ProbeTransport } from '#contracts/probe.ts'
import type { ProbeWay } from './probe-exchange.ts'
import { negotiate } from './probe-negotiate.ts'

/** Where servers usually are, and by which transport. */
const USUAL: readonly { path: string; transport: ProbeTransport }[] = [
  { path: '/mcp', transport: 'streamable-http' },
  { path: '/sse', transport: 'sse' },
  { path: '/', transport: 'streamable-http' },
]
const EACH_MS = 2000
const ALL_MS = 6000

/**
 * After nothing was found at a path: the first usual one of the same host at which MCP is spoken, beginning with where the server
 * redirects to and with the other transport at the same path. Null when there is none; rejects with the caller's reason only.
 */
export async function findUsualPath(
  way: ProbeWay,
  tried: { transport: ProbeTransport | 'any'; location: string | undefined },
  signal: AbortSignal | undefined,
): Promise<NonNullable<ProbeFailure['works']> | null> {
  const until = performance.now() + ALL_MS
  for (const { url, transport } of candidates(way.url, tried)) {
    const left = Math.min(EACH_MS, until - performance.now())
    if (left <= 0) return null
    const late = AbortSignal.timeout(Math.ceil(left))
    const stop = signal ? AbortSignal.any([signal, late]) : late
    try {
      const options = { way: { ...way, url }, transport, timeoutMs: left, signal: () => stop }
      const session = await negotiate(options)
      await session.end()
      return { url: url.href, transport }
    } catch {
      signal?.throwIfAborted()
    }
  }
  return null
}

function* candidates(at: URL, { transport, location }: { transport: string; location: string | undefined }) {
  const seen = new Set<string>()
  const fresh = (url: URL, by: ProbeTransport) => {
    const key = `${by} ${url.pathname}`
    // Its headers are for this origin alone.
    return url.origin === at.origin && !seen.has(key) && seen.add(key).size > 0
  }
  const [asked, other]: ProbeTransport[] =
    transport === 'sse' ? ['sse', 'streamable-http'] : ['streamable-http', 'sse']
  fresh(at, asked ?? 'sse')
  if (transport === 'any') fresh(at, other ?? 'sse')
  if (location !== undefined && URL.canParse(location, at)) {
    const url = new URL(location, at)
    if (fresh(url, asked ?? 'sse')) yield { url, transport: asked ?? 'sse' }
  }
  if (fresh(at, other ?? 'sse')) yield { url: at, transport: other ?? 'sse' }
  for (const { path, transport: by } of USUAL) {
    const url = new URL(path, at)
    if (fresh(url, by)) yield { url, transport: by }
  }
}
