import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ExitInfo, lastLines } from '#scripts/services/service-process.ts'
import { readable } from './log-file.ts'
import type { Progress } from './progress.ts'

/** A process that answers. `stop` ends it politely and resolves when nothing of its group is left. */
export type RunningUnit = { pid: number; exited: Promise<ExitInfo>; stop(): Promise<void> }

/** What to run under which name. `start` resolves once the process answers and rejects with the reason when it does not. */
export type UnitSpec = {
  name: string
  logFile: string
  start: (signal: AbortSignal) => Promise<RunningUnit>
  /** What ends it at once. */
  force: NodeJS.Signals
}

const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 30_000
/** Running for this long, a process counts as healthy again and its next crash is met with the first delay. */
const HEALTHY_MS = 60_000
const SHOWN_LINES = 5

/** One supervised process: started once, restarted with backoff when it ends by itself, stopped when told. */
export class Unit {
  readonly spec: UnitSpec
  readonly #progress: Progress
  readonly #stopping = new AbortController()
  #running: RunningUnit | null = null
  #starting: Promise<unknown> = Promise.resolve()
  #supervision: Promise<void> = Promise.resolve()
  #delay = FIRST_DELAY_MS
  #logStart = 0

  constructor(spec: UnitSpec, progress: Progress) {
    this.spec = spec
    this.#progress = progress
  }

  /** Pid of the process that answers; undefined while there is none. */
  get pid(): number | undefined {
    return this.#running?.pid
  }

  /** Starts it; rejects when it does not come up. From then on crashes are mended here. */
  async start(): Promise<void> {
    const starting = this.#launch()
    this.#starting = starting.catch(() => undefined)
    this.#running = await starting
    this.#supervision = this.#supervise(this.#running)
  }

  /** From now on its end is no crash: it is neither told nor mended. */
  expectEnd(): void {
    this.#stopping.abort()
  }

  /** Ends it and its supervision, also in the middle of a start or restart. */
  async stop(): Promise<void> {
    this.expectEnd()
    await this.#starting
    await this.#running?.stop()
    await this.#supervision
  }

  #launch(): Promise<RunningUnit> {
    this.#logStart = statSync(this.spec.logFile, { throwIfNoEntry: false })?.size ?? 0
    return this.spec.start(this.#stopping.signal)
  }

  async #supervise(first: RunningUnit): Promise<void> {
    let running: RunningUnit | null = first
    while (running) {
      const startedAt = Date.now()
      const exit: ExitInfo = await running.exited
      // Ends what it started and left behind, which would hold its ports.
      await running.stop()
      this.#running = null
      if (this.#stopping.signal.aborted) return
      if (Date.now() - startedAt >= HEALTHY_MS) this.#delay = FIRST_DELAY_MS
      this.#tellEnd(exit)
      running = await this.#restart()
    }
  }

  /** Tries until it runs again; null when told to stop. */
  async #restart(): Promise<RunningUnit | null> {
    while (!this.#stopping.signal.aborted) {
      await sleep(this.#delay, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS)
      if (this.#stopping.signal.aborted) return null
      try {
        this.#running = await this.#launch()
        this.#progress.line(`${this.spec.name} runs again`)
        // A stop that came during the start found nothing to end.
        if (this.#stopping.signal.aborted) await this.#running.stop()
        return this.#running
      } catch (error) {
        if (this.#stopping.signal.aborted) return null
        this.#progress.problem(`${(error as Error).message} Next try in ${this.#delay / 1000} s.`)
      }
    }
    return null
  }

  #tellEnd({ code, signal }: ExitInfo): void {
    const how = signal ? `signal ${signal}` : `exit code ${code}`
    const { name, logFile } = this.spec
    const lines = lastLines(logFile, SHOWN_LINES, this.#logStart).map((line) => `\n    ${readable(line)}`)
    this.#progress.problem(
      `${name} ended (${how}), restarting in ${this.#delay / 1000} s; its last lines (log: ${logFile}):${lines.join('')}`,
    )
  }
}
