import type { ProbeStage, ProbeStageTime } from '#contracts/probe.ts'

/** `ms` is the stage's time once it passed or failed. */
export interface StageReport {
  name: ProbeStage
  state: 'running' | 'passed' | 'failed'
  ms: number | null
}

export interface StageClock {
  readonly current: ProbeStage
  readonly times: ProbeStageTime[]
  /** Ends the current stage as passed and begins `next`, with a fresh budget of time. */
  advance(next: ProbeStage): void
  /** Ends the current stage; nothing is timed any more. */
  end(state: 'passed' | 'failed'): void
}

/** Times one stage after the other, beginning with `connect`; calls `onTimeout` when one takes longer than `timeoutMs`. */
export function startStageClock(input: {
  timeoutMs: number
  onTimeout: () => void
  onStage?: ((report: StageReport) => void) | undefined
}): StageClock {
  const times: ProbeStageTime[] = []
  let current: ProbeStage = 'connect'
  let startedAt = 0
  let timer: NodeJS.Timeout | undefined
  let ended = false

  function begin(name: ProbeStage): void {
    current = name
    startedAt = performance.now()
    timer = setTimeout(input.onTimeout, input.timeoutMs)
    input.onStage?.({ name, state: 'running', ms: null })
  }
  function finish(state: 'passed' | 'failed'): void {
    clearTimeout(timer)
    const ms = roundMs(performance.now() - startedAt)
    times.push({ name: current, ms })
    input.onStage?.({ name: current, state, ms })
  }

  begin('connect')
  return {
    get current() {
      return current
    },
    times,
    advance(next) {
      if (ended) return
      finish('passed')
      begin(next)
    },
    end(state) {
      if (ended) return
      ended = true
      finish(state)
    },
  }
}

/** Milliseconds to a tenth: finer would be noise of the timer. */
export function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10
}
