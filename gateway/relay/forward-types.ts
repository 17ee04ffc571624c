import type { GatewayConnection } from '#contracts/gateway.ts'
import type { ToolboxDispatchers } from '#gateway/upstream/dispatchers.ts'
import type { Servers } from '#gateway/upstream/servers.ts'
import type { UpstreamSessions } from '#gateway/upstream/sessions.ts'
import type { UpstreamTarget } from '#gateway/upstream/target.ts'
import type { SessionChannels } from '#gateway/watch/channel-types.ts'
import type { RpcId, RpcNotification, RpcParams, RpcResponse } from '#mcp/json-rpc.ts'
import type { ParamHeader } from '#mcp/param-headers.ts'
import type { ClientSide } from './client-side.ts'

/** What every request to a server needs. */
export interface Upstream {
  sessions: UpstreamSessions
  servers: Servers
  dispatchers: ToolboxDispatchers
  channels: SessionChannels
  /** What a server says that concerns more than the one who asked: a list or a resource changed. */
  onChange: (target: UpstreamTarget, message: RpcNotification) => void
}

export interface ForwardInput {
  upstream: Upstream
  target: UpstreamTarget
  method: string
  /** As the server is to get them, but for progress tokens and the keys of its era. */
  params: RpcParams | undefined
  /** The client's id of the request. */
  id: RpcId
  client: ClientSide
  /** Ends the exchange: the agent went away, cancelled or lost its right. */
  signal: AbortSignal
  timeoutMs?: number | undefined
  /** Left out: 1. */
  retries?: number | undefined
  /** Running it twice does no more than running it once. */
  idempotent?: boolean | undefined
  /** Arguments that go as headers too, in the stateless era. */
  paramHeaders?: readonly ParamHeader[]
}

export interface Forwarded {
  response: RpcResponse
  /** HTTP's, for clients of the stateless era. */
  status: number
  /** Whose answer it is, where several were asked. */
  connection?: GatewayConnection
}

/** One attempt with all that is decided. */
export type Attempt = ForwardInput & { timeoutMs: number }
