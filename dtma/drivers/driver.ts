import type { Readable, Writable } from 'node:stream'
import type { AgentStatus, Driver as DriverName } from '#contracts/dtma.ts'
import type { InstanceError, InstanceErrorCode, InstanceSpec } from '#contracts/instances.ts'

export type Isolation = AgentStatus['isolation']

/** Where a driver writes what a server prints and what is done to it. `drained` is null unless the writer should wait. */
export type LogSink = {
  write(stream: 'stdout' | 'stderr' | 'agent', text: string): void
  drained(): Promise<void> | null
}

/** `tasks` are processes and threads. */
export type RunUsage = { memoryBytes: number; tasks: number }

/** How a run ended; `error` is set when the driver knows why, such as a limit it enforced. */
export type RunExit = { exitCode: number | null; signal: string | null; error: InstanceError | null }

/** One life of a server, from its start until nothing of it is left. */
export type Run = {
  /** For stdio servers. */
  stdio: { stdin: Writable; stdout: Readable } | null
  /** For servers that listen: the port that they were told, and where it can be reached, the likeliest address first. */
  listensOn: { hosts: readonly string[]; port: number } | null
  /** True once the port is open and it is this server that opened it. */
  listening(): Promise<boolean>
  /** Resolves when the server's main process has ended and its output was read; never rejects. */
  exited: Promise<RunExit>
  /** As last looked at; null when it cannot be told. */
  usage(): RunUsage | null
  /** User and system time of the processes that run now. */
  cpuSeconds(): number
  /** Ends every process of the run and resolves when none is left. May be called again. */
  stop(): Promise<void>
}

/** The package, image or whatever it is that is to run, under an id that is never used for anything else. */
export type DriverInstance = { id: string; spec: InstanceSpec }

/** A session of an isolated server: `env` is what its user has given, for the memory of its process alone. */
export type RunSession = { id: string; env: Readonly<Record<string, string>> }

/** A way of running servers. Failures with a known cause are thrown as InstanceFailure. */
export type Driver = {
  readonly name: DriverName
  readonly isolation: Isolation
  /**
   * Ends what an earlier run of the agent left, unless `start` can take it over, and deletes what belongs to no instance in
   * `known`. What cannot be reached now is done later.
   */
  recover(known: ReadonlySet<string>): Promise<void>
  /** Fetches what the instance needs; does nothing when that was done before. Stops when `signal` aborts. */
  prepare(
    instance: DriverInstance,
    context: { signal: AbortSignal; log: LogSink; onPhase(phase: string): void },
  ): Promise<{ resolvedVersion: string | null }>
  /**
   * Starts the server, or with `session` one more process of an isolated one that its siblings cannot reach. Everything that a session
   * had is deleted by the `stop` of its run.
   */
  start(instance: DriverInstance, context: { log: LogSink; session?: RunSession }): Promise<Run>
  /** Ends what runs of the instance, and keeps what was prepared. Fine when there is nothing. */
  halt(id: string): Promise<void>
  /**
   * Ends and deletes everything of the instance; fine when there is nothing. `deleteDataOf` is the server whose data goes too,
   * as far as no other instance of it holds it.
   */
  remove(id: string, options: { deleteDataOf: string | null }): Promise<void>
  /** Releases the driver's own timers. */
  close(): void
}

/** A failure with a code of the error catalogue; `message` becomes the technical detail. */
export class InstanceFailure extends Error {
  readonly code: InstanceErrorCode
  constructor(code: InstanceErrorCode, detail: string) {
    super(detail)
    this.name = 'InstanceFailure'
    this.code = code
  }
}
