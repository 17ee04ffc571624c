import { answerServer } from '#gateway/relay/answer-server.ts'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import type { Upstream } from '#gateway/relay/forward-types.ts'
import type { UpstreamLease } from '#gateway/upstream/sessions.ts'
import type { UpstreamTarget } from '#gateway/upstream/target.ts'
import type { RpcNotification } from '#mcp/json-rpc.ts'
import { ShortLivedMap } from '#mcp/short-lived-map.ts'
import { RESOURCE_UPDATED } from './changes.ts'
import type { ChannelCall, ChannelHold, ChannelListener, OnUpdated } from './channel-types.ts'
import { keepListening } from './keep-listening.ts'
import { createSharedUris } from './wanted-uris.ts'

export interface SessionChannel {
  /** Resolves when it is open, or the server has no such stream. */
  readonly ready: Promise<void>
  /** Whether a call runs or somebody waits for news of resources. */
  readonly inUse: boolean
  enter(lease: UpstreamLease, call: ChannelCall): () => void
  hold(onUpdated: OnUpdated): ChannelHold
  stop(): void
}

/** Nobody can be asked. */
const NOBODY = { ask: null, capabilities: {} }

/** The stream of one client's session at one server. */
export function openSessionChannel(input: {
  upstream: Omit<Upstream, 'channels'>
  target: UpstreamTarget
  client: ClientSide
  /** The stream of the client itself, while it has or may have one open. */
  stream: () => ChannelListener | undefined
  /** The last who used it left. */
  onUnused: () => void
}): SessionChannel {
  const calls = new ShortLivedMap<number, ChannelCall>()
  const holders = new Set<OnUpdated>()
  const uris = createSharedUris()
  const stopping = new AbortController()
  let sessionId: string | null = null

  /** What names none of the calls is that one's which runs alone. */
  function addressee(): ChannelListener | undefined {
    const [only, another] = calls.values()
    return another === undefined && only !== undefined ? only : input.stream()
  }

  function onNotification(message: RpcNotification): void {
    switch (message.method) {
      case 'notifications/progress': {
        const token = message.params?.progressToken
        if (typeof token === 'number') calls.get(token)?.onNotification(message)
        return
      }
      case 'notifications/message':
      case 'notifications/elicitation/complete':
        addressee()?.onNotification(message)
        return
      case RESOURCE_UPDATED:
        for (const onUpdated of holders) onUpdated(message)
        return
      // Changes of lists are heard once, by the watcher of all.
      default:
    }
  }

  const { key, capabilities } = input.client.use
  const listening = keepListening({
    upstream: input.upstream,
    target: input.target,
    // Its calls say which level of logs they want now.
    client: { ...input.client, use: { key, ...(capabilities !== undefined && { capabilities }) } },
    lists: false,
    uris,
    onNotification,
    onRequest(message, lease) {
      const asked = message.method === 'ping' ? undefined : addressee()
      if (asked === undefined) void answerServer(NOBODY, lease, message, stopping.signal)
      else asked.onRequest(message, lease, stopping.signal)
    },
  })

  function left(): void {
    if (calls.size === 0 && holders.size === 0) input.onUnused()
  }

  return {
    ready: listening.ready,
    get inUse() {
      return calls.size > 0 || holders.size > 0
    },
    enter(lease, call) {
      calls.set(call.id, call)
      // Whatever the stream of another session waits for does not concern this one.
      if (sessionId !== null && sessionId !== lease.session.id) listening.wake()
      sessionId = lease.session.id
      return () => {
        if (calls.get(call.id) === call) calls.delete(call.id)
        left()
      }
    },
    hold(onUpdated) {
      const held: OnUpdated = (message) => onUpdated(message)
      holders.add(held)
      return {
        ready: listening.ready,
        want: (wanted) => uris.set(held, wanted),
        release() {
          if (!holders.delete(held)) return
          uris.delete(held)
          left()
        },
      }
    },
    stop() {
      stopping.abort(new Error('The session is not used any more.'))
      listening.stop()
    },
  }
}
