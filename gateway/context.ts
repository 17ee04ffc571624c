import type { IncomingHttpHeaders } from 'node:http'
import type { Logger } from 'pino'
import type { Breakers } from './breaker.ts'
import type { Bus } from './bus.ts'
import type { CallLog } from './call-log.ts'
import type { CallRegistry } from './call-registry.ts'
import type { OpenStreams } from './legacy/open-streams.ts'
import type { SessionStore } from './legacy/sessions.ts'
import type { Limits } from './limits.ts'
import type { AgentLists } from './lists/agent-lists.ts'
import type { AgentView } from './lists/agent-view.ts'
import type { BackendLists } from './lists/backend-lists.ts'
import type { Metrics } from './metrics.ts'
import type { HeldCalls } from './modern/held-calls.ts'
import type { OpenListens } from './modern/open-listens.ts'
import type { RemoteCalls } from './modern/remote-calls.ts'
import type { RequestStates } from './modern/request-state.ts'
import type { Upstream } from './relay/forward-types.ts'
import type { Questions } from './relay/questions.ts'
import type { Reply } from './reply.ts'
import type { RightsCache } from './rights-cache.ts'
import type { Changes } from './watch/changes.ts'
import type { RemoteStreams } from './watch/remote-streams.ts'
import type { Watchers } from './watch/watchers.ts'

/** What every request of a gateway process shares. */
export interface GatewayContext {
  rights: RightsCache<AgentView>
  sessions: SessionStore
  upstream: Upstream
  backendLists: BackendLists
  lists: AgentLists
  calls: CallRegistry
  streams: OpenStreams
  listens: OpenListens
  remoteStreams: RemoteStreams
  questions: Questions
  heldCalls: HeldCalls
  remoteCalls: RemoteCalls
  requestStates: RequestStates
  watchers: Watchers
  changes: Changes
  bus: Pick<Bus, 'publish'>
  limits: Limits
  breakers: Breakers
  callLog: CallLog
  metrics: Metrics
  /** Of an agent that has no limit of its own; null: none. */
  callsPerMinute: number | null
  /** Notes that an agent was here. */
  noteUse: (agentId: string) => void
  logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  /** Milliseconds of silence after which a call is given up. */
  callTimeoutMs?: number | undefined
}

/** One authorised request of an agent. */
export interface AgentRequest {
  tokenHash: Buffer
  view: AgentView
  headers: IncomingHttpHeaders
  /** When the request came, in `performance.now()`. */
  startedAt: number
  /** Of its body, once that is read. */
  requestBytes: number
  reply: Reply
  /** Filled in for the access log. */
  log: { rpcMethod?: string; tool?: string; outcome?: string }
}
