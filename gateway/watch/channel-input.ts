import type { ClientSide } from '#gateway/relay/client-side.ts'
import type { Upstream } from '#gateway/relay/forward-types.ts'
import type { UpstreamLease } from '#gateway/upstream/sessions.ts'
import type { UpstreamTarget } from '#gateway/upstream/target.ts'
import type { RpcNotification, RpcRequest } from '#mcp/json-rpc.ts'
import type { WantedUris } from './wanted-uris.ts'

/** The server has no stream of its own: there is nothing to wait for. */
export class NoStreamError extends Error {}

export interface ChannelInput {
  upstream: Omit<Upstream, 'channels'>
  target: UpstreamTarget
  client: ClientSide
  /** Whether changes of lists matter; in a session they are told in any case. */
  lists: boolean
  /** Resources to hear of. */
  uris: WantedUris
  signal: AbortSignal
  /** From now on nothing is missed. */
  onOpen: () => void
  onNotification: (message: RpcNotification) => void
  /** Requests of the server outside of any of ours. */
  onRequest?: (message: RpcRequest, lease: UpstreamLease) => void
}
