import type { ClientSide } from '#gateway/relay/client-side.ts'
import type { UpstreamLease } from '#gateway/upstream/sessions.ts'
import type { UpstreamTarget } from '#gateway/upstream/target.ts'
import type { RpcNotification, RpcRequest } from '#mcp/json-rpc.ts'

/** Whoever passes on to the client what a server says on the stream of a session. */
export interface ChannelListener {
  onNotification(message: RpcNotification): void
  onRequest(message: RpcRequest, lease: UpstreamLease, signal: AbortSignal): void
}

/** A request of ours that runs in the session. */
export interface ChannelCall extends ChannelListener {
  id: number
}

export type OnUpdated = (message: RpcNotification) => void

/** Hears of resources as long as it is held. */
export interface ChannelHold {
  ready: Promise<void>
  want(uris: readonly string[]): void
  release(): void
}

/**
 * The streams of sessions at servers that belong to one client each. A server may ask there (GET; specification of 2025-11-25,
 * Transports, "Listening for Messages from the Server") what it could have asked on the stream of a request.
 */
export interface SessionChannels {
  /** A request runs in the client's session at this server; null where a server has nothing to ask or to tell this client. */
  enter(
    target: UpstreamTarget,
    client: ClientSide,
    lease: UpstreamLease,
    call: ChannelCall,
  ): { ready: Promise<void>; leave: () => void } | null
  /** The stream of a client's session: hears, while it is open, what belongs to none of its requests. */
  attach(key: string, stream: ChannelListener): () => void
  /** Keeps a channel open to hear of resources. */
  hold(target: UpstreamTarget, client: ClientSide, onUpdated: OnUpdated): ChannelHold
  /** Ends an agent's channels to what is no longer its own, those in use as soon as they are not. */
  keepOnly(agentId: string, current: readonly UpstreamTarget[]): void
  /** Ends the channels of a session that ended. */
  end(key: string): void
  close(): void
  readonly size: number
}
