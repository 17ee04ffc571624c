import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CallOutcome } from './call-log.ts'

const PREFIX = 'toolberth_gateway_'
/** Seconds; from a tool on the same machine to the time-out of a call. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** What is read when somebody asks, not counted as it happens. */
export interface MetricsSources {
  runningCalls: () => number
  upstreamSessions: () => number
  streams: () => number
  breakers: () => Record<string, number>
  callLog: { readonly queued: number; readonly written: number; readonly dropped: number }
}

export interface Metrics {
  readonly contentType: string
  /** In the text format of Prometheus. */
  text(): Promise<string>
  countCall(outcome: CallOutcome, ms: number): void
  /** Calls that a limit kept from being made: `agent`, `connection`, `running`. */
  countRefusal(limit: string): void
  countSession(change: 'opened' | 'ended'): void
}

/** The figures of one gateway. `process`: with memory, CPU, event loop and garbage collection of the whole process. */
export function createMetrics(sources: MetricsSources, options: { process: boolean }): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const calls = new Counter({
    name: `${PREFIX}calls_total`,
    help: 'Tool calls by how they ended',
    labelNames: ['outcome'],
    registers,
  })
  const latency = new Histogram({
    name: `${PREFIX}call_seconds`,
    help: 'From a tool call to the end of its answer',
    buckets: BUCKETS,
    registers,
  })
  const refusals = new Counter({
    name: `${PREFIX}limited_total`,
    help: 'Tool calls that a limit refused',
    labelNames: ['limit'],
    registers,
  })
  const sessions = new Counter({
    name: `${PREFIX}sessions_total`,
    help: 'Sessions that agents opened and ended here; one may end at another replica, or by itself',
    labelNames: ['change'],
    registers,
  })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: PREFIX + name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('calls_running', 'Tool calls under way', sources.runningCalls)
  gauge('upstream_sessions', 'Sessions with servers', sources.upstreamSessions)
  gauge('streams', 'Open streams to agents', sources.streams)
  gauge('call_log_queued', 'Calls that wait to be written down', () => sources.callLog.queued)
  gauge('call_log_written', 'Calls written down since the start', () => sources.callLog.written)
  gauge('call_log_dropped', 'Calls that were not written down since the start', () => sources.callLog.dropped)
  new Gauge({
    name: `${PREFIX}breakers`,
    help: 'Circuit breakers of servers by state',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(sources.breakers())) this.set({ state }, count)
    },
  })
  if (options.process) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 })

  const byOutcome = new Map<CallOutcome, { inc(): void }>()
  for (const outcome of ['ok', 'tool_error', 'failed', 'refused', 'cancelled'] as const) {
    const child = calls.labels(outcome)
    child.inc(0)
    byOutcome.set(outcome, child)
  }
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    countCall(outcome, ms) {
      byOutcome.get(outcome)?.inc()
      latency.observe(ms / 1000)
    },
    countRefusal: (limit) => refusals.inc({ limit }),
    countSession: (change) => sessions.inc({ change }),
  }
}
