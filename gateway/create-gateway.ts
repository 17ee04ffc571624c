import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Redis } from 'ioredis'
import type { GatewayRights } from '#contracts/gateway.ts'
import type { Identity } from '#protocol/identity.ts'
import type { CallRow } from '#server/calls/log.ts'
import { createUseNotes } from './agent-use.ts'
import { agentViewStore, type OpenHeaders } from './agent-view.ts'
import { createBreakers } from './breaker.ts'
import { createCallLog } from './call-log.ts'
import { createCallRegistry } from './call-registry.ts'
import { startCancelRelay } from './cancel-relay.ts'
import type { GatewayContext } from './context.ts'
import { createGuard } from './guard.ts'
import { handleRequest } from './handle-request.ts'
import { createOpenStreams } from './legacy/open-streams.ts'
import { cacheSessions } from './legacy/session-cache.ts'
import { createSessionStore } from './legacy/sessions.ts'
import { createLimits } from './limits.ts'
import { createMetrics } from './metrics.ts'
import { createRightsCache, type RightsStore } from './rights-cache.ts'
import { createToolboxDispatchers } from './upstream/dispatchers.ts'
import { createUpstreamSessions } from './upstream/sessions.ts'

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
  rights: RightsStore<GatewayRights>
  openHeaders: OpenHeaders
  /** Writes down that an agent was used; called at most once a minute and agent. */
  touchAgent: (agentId: string) => Promise<void>
  redis: Redis
  /** A connection of its own for SUBSCRIBE; closed by the gateway. */
  subscriber: Redis
  /** Begins the names of keys and channels. */
  keyPrefix: string
  identity: Identity
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
  const relay = await startCancelRelay({
    redis: input.redis,
    subscriber: input.subscriber,
    channel: `${input.keyPrefix}:cancel`,
    onCancel: ({ sessionId, requestId }) => calls.cancel(sessionId, requestId),
  })
  const { logger } = input
  const upstream = createUpstreamSessions(dispatchers, { idleMs: input.upstreamIdleMs })
  const rights = createRightsCache(agentViewStore(input.rights, input.openHeaders))
  const streams = createOpenStreams()
  const breakers = createBreakers()
  const callLog = createCallLog({ write: input.logCalls ?? (async () => {}), logger })
  const metrics = createMetrics(
    {
      runningCalls: () => calls.running,
      upstreamSessions: () => upstream.size,
      streams: () => streams.size,
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
    calls,
    streams,
    limits: createLimits(input.redis, { keyPrefix: input.keyPrefix }),
    breakers,
    callLog,
    metrics,
    metricsToken: input.metricsToken ?? null,
    callsPerMinute: input.callsPerMinute ?? null,
    publishCancel: (cancel: Parameters<typeof relay.publish>[0]) => {
      relay
        .publish(cancel)
        .catch((error: unknown) => logger.warn({ err: error }, 'a cancellation was not relayed'))
    },
    noteUse: createUseNotes(input.touchAgent, (error) => logger.warn({ err: error }, 'use was not noted')),
    logger,
    callTimeoutMs: input.callTimeoutMs,
    guard: createGuard({ host: input.host, publicUrls: input.publicUrls }),
    stopping: () => stopping,
  }

  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_TIMEOUT_MS, noDelay: true },
    (request, response) => void handleRequest(context, request, response),
  )
  const reaper = setInterval(
    () => {
      dispatchers.reap()
      upstream.reap().catch((error: unknown) => logger.warn({ err: error }, 'reaping failed'))
    },
    input.reapEveryMs ?? Math.min(REAP_EVERY_MS, (input.upstreamIdleMs ?? REAP_EVERY_MS * 4) / 4),
  )

  async function release(): Promise<void> {
    clearInterval(reaper)
    rights.close()
    relay.close()
    await Promise.all([upstream.close(), callLog.close(CALL_LOG_FLUSH_MS)])
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
