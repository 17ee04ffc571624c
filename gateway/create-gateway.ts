import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Redis } from 'ioredis'
import type { GatewayRights } from '#contracts/gateway.ts'
import type { RpcNotification } from '#mcp/json-rpc.ts'
import type { Identity } from '#protocol/identity.ts'
import type { CallRow } from '#server/calls/log.ts'
import { createUseNotes } from './agent-use.ts'
import { createBreakers } from './breaker.ts'
import { startBus } from './bus.ts'
import { createCallLog } from './call-log.ts'
import { createCallRegistry } from './call-registry.ts'
import type { GatewayContext } from './context.ts'
import { createGuard } from './guard.ts'
import { handleRequest } from './handle-request.ts'
import { hearReplica } from './hear-replica.ts'
import { createOpenStreams } from './legacy/open-streams.ts'
import { cacheSessions } from './legacy/session-cache.ts'
import { createSessionStore } from './legacy/sessions.ts'
import { createLimits } from './limits.ts'
import { createAgentLists } from './lists/agent-lists.ts'
import { agentViewStore, type OpenCredentials } from './lists/agent-view.ts'
import { createBackendLists } from './lists/backend-lists.ts'
import { createMetrics } from './metrics.ts'
import { createHeldCalls } from './modern/held-calls.ts'
import { createOpenListens } from './modern/open-listens.ts'
import { createRemoteCalls } from './modern/remote-calls.ts'
import { createRequestStates } from './modern/request-state.ts'
import type { Upstream } from './relay/forward-types.ts'
import { createQuestions } from './relay/questions.ts'
import { createRightsCache, type RightsStore } from './rights-cache.ts'
import { targetOf, targetsOf } from './targets.ts'
import { createToolboxDispatchers } from './upstream/dispatchers.ts'
import { createServers } from './upstream/servers.ts'
import { createUpstreamSessions } from './upstream/sessions.ts'
import type { UpstreamTarget } from './upstream/target.ts'
import { createChanges, LIST_CHANGES, LISTS_OF, TOOLS_CHANGED } from './watch/changes.ts'
import { createRemoteStreams } from './watch/remote-streams.ts'
import { createSessionChannels } from './watch/session-channels.ts'
import { createWatchers } from './watch/watchers.ts'

/** How often idle sessions and connections are looked for, milliseconds. */
const REAP_EVERY_MS = 30_000
/** Longer than the idle time of common load balancers (60 s), so that they and not we close a kept connection. */
const KEEP_ALIVE_MS = 65_000
/** What is left of the log of calls is written within this when the gateway stops, milliseconds. */
const CALL_LOG_FLUSH_MS = 1_000
/** A whole request, headers and body, milliseconds; longer than the limit for its body alone. */
const REQUEST_TIMEOUT_MS = 35_000

export interface GatewayInput {
  host: string
  /** 0: a free one. */
  port: number
  /** Where agents and pages reach this installation: GATEWAY_PUBLIC_URL and PUBLIC_URL. */
  publicUrls: string[]
  /** Of the two the one of the pages: agents are told where their users find what is missing. */
  pagesUrl: string
  rights: RightsStore<GatewayRights>
  openCredentials: OpenCredentials
  /** Writes down that an agent was used; called at most once a minute and agent. */
  touchAgent: (agentId: string) => Promise<void>
  redis: Redis
  /** A connection of its own for SUBSCRIBE; closed by the gateway. */
  subscriber: Redis
  /** Begins the names of keys and channels. */
  keyPrefix: string
  identity: Identity
  /** Asks for a probe of a server that says its tools changed; left out: nobody does. */
  requestCheck?: (serverId: string) => Promise<unknown>
  /** Writes calls down, in batches; left out: nobody does. */
  logCalls?: (calls: CallRow[]) => Promise<void>
  /** Of an agent that has no limit of its own; left out: none. */
  callsPerMinute?: number | null
  /** Opens `/metrics`; left out: callers on this machine may read it. */
  metricsToken?: string | null
  /** Whether `/metrics` tells of the whole process too; once per process. */
  processMetrics?: boolean
  logger: GatewayContext['logger']
  /** Milliseconds of silence after which a call is given up; left out: 60 s. */
  callTimeoutMs?: number
  /** Milliseconds after which an upstream session without calls is ended; left out: 10 min. */
  upstreamIdleMs?: number
  /** How often those are looked for; left out: 30 s, or a quarter of that time where it is shorter. */
  reapEveryMs?: number
  /**
   * Milliseconds after which the stream of a session at a server is closed that no call needs; left out: 1 min, or as long as an upstream
   * session without calls where that is shorter.
   */
  channelIdleMs?: number
}

export interface Gateway {
  port: number
  /** Stops accepting, lets calls end for up to `graceMs`, ends streams and upstream sessions. The Redis passed in stays open. */
  close(graceMs?: number): Promise<void>
}

/** Starts a gateway. Rejects when the port is taken or Redis cannot be reached. */
export async function createGateway(input: GatewayInput): Promise<Gateway> {
  const dispatchers = createToolboxDispatchers(input.identity)
  const calls = createCallRegistry()
  const { logger } = input
  const upstreamSessions = createUpstreamSessions(dispatchers, { idleMs: input.upstreamIdleMs })
  const changes = createChanges()
  const reached = {
    sessions: upstreamSessions,
    dispatchers,
    servers: createServers(dispatchers),
    onChange: (target: UpstreamTarget, message: RpcNotification) => onChange(target, message),
  }
  const upstream: Upstream = {
    ...reached,
    channels: createSessionChannels(reached, {
      idleMs: input.channelIdleMs ?? input.upstreamIdleMs,
      elsewhere: (client) => remoteStreams.of(client),
    }),
  }
  const backendLists = createBackendLists(upstream)
  const views = agentViewStore(input.rights, input.openCredentials, input.pagesUrl)
  const rights = createRightsCache({
    ...views,
    async load(tokenHash) {
      const view = await views.load(tokenHash)
      // A process of one user's own does not outlive the connection that it was for.
      if (view === null) return view
      const targets = targetsOf(view)
      upstream.channels.keepOnly(view.rights.agentId, targets)
      upstreamSessions.keepOnly(view.rights.agentId, targets)
      return view
    },
  })
  const streams = createOpenStreams()
  const listens = createOpenListens()
  const questions = createQuestions()
  const processId = randomUUID()
  const requestStates = createRequestStates(input.identity.privateKey)
  function onChange({ instanceId, serverId }: UpstreamTarget, message: RpcNotification): void {
    // Agents are shown what is recorded and approved, so the record has to follow.
    if (message.method === TOOLS_CHANGED)
      input
        .requestCheck?.(serverId)
        .catch((error: unknown) => logger.warn({ err: error, serverId }, 'a check was not asked for'))
    for (const kind of LISTS_OF[message.method] ?? []) backendLists.invalidate(instanceId, kind)
    changes.emit(instanceId, message)
  }
  const watchers = createWatchers(upstream, {
    change: onChange,
    missed(target) {
      for (const method of LIST_CHANGES) onChange(target, { jsonrpc: '2.0', method })
    },
  })
  /** Null until it can be worked with: what the others say before that is not for anybody here. */
  let started: GatewayContext | null = null
  const bus = await startBus({
    redis: input.redis,
    subscriber: input.subscriber,
    channel: `${input.keyPrefix}:cancel`,
    processId,
    onMessage(message) {
      if (started !== null) hearReplica(started, processId, message)
    },
    onError: (error) => logger.warn({ err: error }, 'a message to the other replicas was lost'),
  })
  const remoteStreams = createRemoteStreams(bus, questions)
  const breakers = createBreakers()
  const callLog = createCallLog({ write: input.logCalls ?? (async () => {}), logger })
  const metrics = createMetrics(
    {
      runningCalls: () => calls.running,
      upstreamSessions: () => upstreamSessions.size,
      streams: () => streams.size + listens.size,
      breakers: () => breakers.counts(),
      callLog,
    },
    { process: input.processMetrics ?? false },
  )
  const sessions = await cacheSessions(createSessionStore(input.redis, { keyPrefix: input.keyPrefix }), {
    redis: input.redis,
    subscriber: input.subscriber,
    channel: `${input.keyPrefix}:sessions`,
  })
  let stopping = false
  const context = {
    rights,
    sessions,
    upstream,
    backendLists,
    lists: createAgentLists(backendLists, targetOf),
    calls,
    streams,
    listens,
    remoteStreams,
    questions,
    requestStates,
    heldCalls: createHeldCalls({ states: requestStates, processId }),
    remoteCalls: createRemoteCalls(bus),
    watchers,
    changes,
    bus,
    limits: createLimits(input.redis, { keyPrefix: input.keyPrefix }),
    breakers,
    callLog,
    metrics,
    metricsToken: input.metricsToken ?? null,
    callsPerMinute: input.callsPerMinute ?? null,
    noteUse: createUseNotes(input.touchAgent, (error) => logger.warn({ err: error }, 'use was not noted')),
    logger,
    callTimeoutMs: input.callTimeoutMs,
    guard: createGuard({ host: input.host, publicUrls: input.publicUrls }),
    stopping: () => stopping,
  }
  started = context

  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_TIMEOUT_MS, noDelay: true },
    (request, response) => void handleRequest(context, request, response),
  )
  const reaper = setInterval(
    () => {
      dispatchers.reap()
      upstreamSessions.reap().catch((error: unknown) => logger.warn({ err: error }, 'reaping failed'))
    },
    input.reapEveryMs ?? Math.min(REAP_EVERY_MS, (input.upstreamIdleMs ?? REAP_EVERY_MS * 4) / 4),
  )

  async function release(): Promise<void> {
    clearInterval(reaper)
    rights.close()
    bus.close()
    watchers.close()
    upstream.channels.close()
    await Promise.all([upstreamSessions.close(), callLog.close(CALL_LOG_FLUSH_MS)])
    await dispatchers.close()
  }
  try {
    await listen(server, input.host, input.port)
  } catch (error) {
    await release()
    throw error
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close(graceMs = 1500) {
      stopping = true
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      streams.endAll()
      listens.endAll()
      server.closeIdleConnections()
      await settledWithin(calls.idle(), graceMs)
      calls.stopAll('shutdown')
      await settledWithin(calls.idle(), 200)
      server.closeIdleConnections()
      await settledWithin(closed, 200)
      server.closeAllConnections()
      await release()
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function settledWithin(work: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, ms)
  await Promise.race([work, late.promise])
  clearTimeout(timer)
}
