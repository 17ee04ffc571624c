import { ownSide } from '#gateway/relay/client-side.ts'
import type { Upstream } from '#gateway/relay/forward-types.ts'
import type { Era } from '#gateway/upstream/servers.ts'
import type { UpstreamTarget } from '#gateway/upstream/target.ts'
import type { RpcNotification } from '#mcp/json-rpc.ts'
import { envelopeOf } from '#mcp/stateless.ts'
import { keepListening } from './keep-listening.ts'
import { NO_URIS } from './wanted-uris.ts'

/** What servers say that concerns every client of theirs, once a server and process. */
export interface Watchers {
  /** Listens as long as anybody wants to hear of this server. `ready`: nothing is missed any more, or it does not answer. */
  watch(target: UpstreamTarget, era: Era): { ready: Promise<void>; release: () => void }
  close(): void
  readonly size: number
}

interface Watcher {
  users: number
  ready: Promise<void>
  stop: () => void
}

/** `onMissed`: a server's stream broke and is open again, so that anything may have changed. */
export function createWatchers(
  upstream: Omit<Upstream, 'channels'>,
  on: {
    change: (target: UpstreamTarget, message: RpcNotification) => void
    missed: (target: UpstreamTarget) => void
  },
): Watchers {
  const watchers = new Map<string, Watcher>()

  return {
    get size() {
      return watchers.size
    },
    watch(target, era) {
      // With credentials of a user a server may say other things, and it runs as that user's own.
      const owner = target.credentials === undefined ? 'watch' : target.agentId
      const key = `${era}:${owner}:${target.instanceId}:${target.credentials ?? ''}:${target.toolbox.url}`
      let watcher = watchers.get(key)
      if (watcher === undefined) {
        const listening = keepListening({
          upstream,
          target,
          client: ownSide(era, { key: owner }, envelopeOf({})),
          lists: true,
          uris: NO_URIS,
          onNotification: (message) => on.change(target, message),
          onReopen: () => on.missed(target),
        })
        watcher = { users: 0, ready: listening.ready, stop: listening.stop }
        watchers.set(key, watcher)
      }
      const held = watcher
      held.users++
      let released = false
      return {
        ready: held.ready,
        release() {
          if (released) return
          released = true
          if (--held.users > 0) return
          held.stop()
          if (watchers.get(key) === held) watchers.delete(key)
        },
      }
    },
    close() {
      for (const { stop } of watchers.values()) stop()
      watchers.clear()
    },
  }
}
