import type { Agent } from 'node:http'
import type { InstanceError, InstanceState } from '#contracts/instances.ts'
import type { Driver, Run } from '#dtma/drivers/driver.ts'
import type { Seats } from '#dtma/isolated/seats.ts'
import type { Logger } from '#dtma/logger.ts'
import type { RemoteServer } from '#dtma/remote/remote-server.ts'
import type { InstanceRecord } from '#dtma/state/instance-store.ts'
import type { AllowedRemotes } from '#mcp/address-guard.ts'
import type { SessionRelay } from '#mcp/session-relay.ts'
import type { StdioBridge } from '#mcp/stdio-bridge.ts'
import type { InstanceLog } from './instance-log.ts'
import type { Slots } from './slots.ts'

/** Where MCP requests for a running instance go. */
export type McpTarget =
  | { kind: 'bridge'; bridge: StdioBridge }
  | { kind: 'relay'; relay: SessionRelay }
  | { kind: 'http'; host: string; port: number; path: string; agent: Agent }
  | { kind: 'remote'; remote: RemoteServer }

/** What is shown of an instance besides what its record says. */
export type InstanceView = {
  state: InstanceState
  phase: string | null
  exitCode: number | null
  signal: string | null
  restarts: number
  startedAt: string | null
  resolvedVersion: string | null
  error: InstanceError | null
}

export type RunnerServices = {
  driver: Driver
  log: InstanceLog
  installSlots: Slots
  readyTimeoutMs: number
  /** What remote servers may be, and milliseconds between two looks at one that answers. */
  remotes: { allowed: AllowedRemotes; checkMs: number }
  /** Of all isolated servers of this agent. */
  seats: Seats
  /** Milliseconds without use after which a session of an isolated server ends. */
  sessionIdleMs: number
  logger: Logger
  saveRecord(record: InstanceRecord): Promise<void>
  /** Something of the status changed. */
  onChange(): void
}

/** What is measured of an instance that runs. */
export type Measured = Pick<Run, 'usage' | 'cpuSeconds'>

/** What the steps of a runner share: the record as wanted now, the view they keep, and the present run. */
export type RunnerContext = RunnerServices & {
  record(): InstanceRecord
  markReady(): Promise<void>
  show(change: Partial<InstanceView>): void
  view(): InstanceView
  setRun(run: Measured | null): void
  setTarget(target: McpTarget | null): void
}
