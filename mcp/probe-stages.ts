import type { ProbeStage, ProbeStageState, ProbeStageTime } from '#contracts/probe.ts'

/** `ms` is the stage's time once it has ended. */
export interface StageReport {
  name: ProbeStage
  state: ProbeStageState
  ms: number | null
}

/** All stages together have this many times the time of one: whoever waits for a probe waits for so long at most. */
const WHOLE_PROBE_STAGES = 3

/** Why a stage's signal aborts when its time is over. */
export class StageTimeout extends Error {
  constructor() {
    super('The time of the stage is over.')
    this.name = 'StageTimeout'
  }
}

export interface StageClock {
  readonly current: ProbeStage
  readonly times: ProbeStageTime[]
  /** Aborts when the current stage is out of time (StageTimeout), and with the caller's. */
  readonly signal: AbortSignal
  /** Ends the current stage and begins `next`, with time of its own. The probe can go on after the time-out of one that `mayFail`. */
  advance(next: ProbeStage, options?: { mayFail: boolean }): void
  /** How the current stage ends, unless it is said otherwise. */
  warn(): void
  /** Gives the current stage its whole time again. */
  restart(): void
  /** Ends the current stage; nothing is timed any more. */
  end(state: 'passed' | 'failed'): void
}

/** Times one stage after the other. */
export function startStageClock(input: {
  first: ProbeStage
  timeoutMs: number
  signal: AbortSignal | undefined
  onStage?: ((report: StageReport) => void) | undefined
}): StageClock {
  const times: ProbeStageTime[] = []
  const deadline = performance.now() + input.timeoutMs * WHOLE_PROBE_STAGES
  const whole = new AbortController()
  const outer = input.signal ? AbortSignal.any([whole.signal, input.signal]) : whole.signal
  let current = input.first
  let warned = false
  let signal = outer
  let startedAt = 0
  let timer: NodeJS.Timeout | undefined
  let ended = false

  function arm(controller: AbortController): void {
    clearTimeout(timer)
    const left = Math.max(0, deadline - performance.now())
    timer = setTimeout(() => controller.abort(new StageTimeout()), Math.min(input.timeoutMs, left))
  }
  function begin(name: ProbeStage, mayFail: boolean): void {
    current = name
    warned = false
    startedAt = performance.now()
    const controller = mayFail ? new AbortController() : whole
    signal = mayFail ? AbortSignal.any([outer, controller.signal]) : outer
    arm(controller)
    input.onStage?.({ name, state: 'running', ms: null })
  }
  function finish(state: 'passed' | 'failed' | 'warned'): void {
    clearTimeout(timer)
    const ms = roundMs(performance.now() - startedAt)
    times.push({ name: current, state, ms })
    input.onStage?.({ name: current, state, ms })
  }

  begin(input.first, false)
  return {
    get current() {
      return current
    },
    get signal() {
      return signal
    },
    times,
    advance(next, options) {
      if (ended) return
      finish(warned ? 'warned' : 'passed')
      begin(next, options?.mayFail ?? false)
    },
    warn() {
      warned = true
    },
    restart: () => arm(whole),
    end(state) {
      if (ended) return
      ended = true
      finish(state === 'passed' && warned ? 'warned' : state)
    },
  }
}

/** Milliseconds to a tenth: finer would be noise of the timer. */
export function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10
}
