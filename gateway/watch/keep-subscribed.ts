import { exchange } from '#gateway/upstream/exchange.ts'
import type { UpstreamLease } from '#gateway/upstream/sessions.ts'
import { rpcRequest } from '#mcp/json-rpc.ts'
import type { WantedUris } from './wanted-uris.ts'

/** One subscription, milliseconds. */
const SUBSCRIBE_TIMEOUT_MS = 10_000

/** Subscribes a session to what is wanted, now and after each change. `ready` resolves when the server has answered or is given up. */
export function keepSubscribed(
  lease: UpstreamLease,
  uris: WantedUris,
  signal: AbortSignal,
): { ready: Promise<void>; stop: () => void } {
  let subscribed: ReadonlySet<string> = new Set()

  /** A server that refuses has nothing to say of that resource, or is asked again over its next stream. */
  async function send(method: 'resources/subscribe' | 'resources/unsubscribe', uri: string): Promise<void> {
    await exchange({
      endpoint: lease.endpoint,
      session: lease.session,
      message: rpcRequest(lease.nextId(), method, { uri }),
      signal,
      timeoutMs: SUBSCRIBE_TIMEOUT_MS,
    }).catch(() => {})
  }

  async function update(): Promise<void> {
    const before = subscribed
    const wanted = new Set(uris.current())
    subscribed = wanted
    await Promise.all([
      ...[...wanted].filter((uri) => !before.has(uri)).map((uri) => send('resources/subscribe', uri)),
      ...[...before].filter((uri) => !wanted.has(uri)).map((uri) => send('resources/unsubscribe', uri)),
    ])
  }

  const stop = uris.onChange(() => void update())
  return { ready: update(), stop }
}
