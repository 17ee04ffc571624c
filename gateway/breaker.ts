import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleWhen,
} from 'cockatiel'
import type { ErrorCode } from '#contracts/errors.ts'
import { CallStopped } from './call-registry.ts'
import { UpstreamError } from './upstream/error.ts'

/** Calls in a row without an answer that open it. */
const FAILURES = 5
/** How long it stays open the first, second, … time in a row; short, so that a server that is back is soon called again. */
const OPEN_MS = [2_000, 4_000, 8_000, 15_000]
/** Instances remembered; what nobody called for the longest is judged anew. */
const MAX_INSTANCES = 5_000

/** What says that nobody is there. A refusal is an answer, and so is an error of the tool. */
const AWAY = new Set<ErrorCode>([
  'TOOLBOX_UNREACHABLE',
  'TLS_FAILED',
  'TOOLBOX_INTERNAL',
  'UPSTREAM_UNAVAILABLE',
  'CALL_TIMED_OUT',
])

export type BreakerState = 'closed' | 'half-open' | 'open'

export interface Breakers {
  /**
   * Runs `work` unless the last calls to this instance got no answer. Then it throws UpstreamError SERVER_FAILING at once (its
   * detail says why and for how long), except for one call at a time that tries whether the server is back.
   */
  run<T>(instanceId: string, work: () => Promise<T>): Promise<T>
  /** For lists, which leave out a server that would not answer. */
  stateOf(instanceId: string): BreakerState
  counts(): Record<BreakerState, number>
}

interface Breaker {
  policy: CircuitBreakerPolicy
  openUntil: number
  cause: string
}

/** One circuit breaker per instance and process: a server that hangs or is gone costs its callers no time, and the others nothing. */
export function createBreakers(options: { openMs?: number[]; onChange?: () => void } = {}): Breakers {
  const openMs = options.openMs ?? OPEN_MS
  const breakers = new Map<string, Breaker>()
  const openFor = (times: number) => openMs[Math.min(times, openMs.length) - 1] ?? 0

  function breakerOf(instanceId: string): Breaker {
    const known = breakers.get(instanceId)
    if (known) return known
    if (breakers.size >= MAX_INSTANCES) {
      const oldest = breakers.keys().next()
      if (!oldest.done) breakers.delete(oldest.value)
    }
    let trying = false
    let times = 0
    const policy = circuitBreaker(
      // A caller that gives up while it tries has learnt nothing good about the server.
      handleWhen((error) => isAway(error) || (trying && error instanceof CallStopped)),
      {
        breaker: new ConsecutiveBreaker(FAILURES),
        halfOpenAfter: new DelegateBackoff(({ attempt }) => openFor(attempt)),
      },
    )
    const breaker: Breaker = { policy, openUntil: 0, cause: '' }
    policy.onBreak((reason) => {
      times += 1
      breaker.openUntil = Date.now() + openFor(times)
      if ('error' in reason && reason.error instanceof UpstreamError) breaker.cause = reason.error.message
    })
    policy.onReset(() => {
      times = 0
    })
    policy.onStateChange((state) => {
      trying = state === CircuitState.HalfOpen
      options.onChange?.()
    })
    breakers.set(instanceId, breaker)
    return breaker
  }

  return {
    async run(instanceId, work) {
      const breaker = breakerOf(instanceId)
      // The library lets others wait for the call that tries; a tool may take minutes.
      if (breaker.policy.state === CircuitState.HalfOpen) throw failing(breaker)
      try {
        return await breaker.policy.execute(work)
      } catch (error) {
        throw error instanceof BrokenCircuitError ? failing(breaker) : error
      }
    },
    stateOf: (instanceId) => nameOf(breakers.get(instanceId)?.policy.state),
    counts() {
      const counts = { closed: 0, 'half-open': 0, open: 0 }
      for (const { policy } of breakers.values()) counts[nameOf(policy.state)]++
      return counts
    },
  }
}

function failing({ openUntil, cause }: Breaker): UpstreamError {
  const seconds = Math.ceil((openUntil - Date.now()) / 1000)
  const next = seconds > 0 ? `tried again in ${seconds} s` : 'being tried now'
  return new UpstreamError('SERVER_FAILING', `${next}; the last call ended with ${cause}`)
}

function nameOf(state: CircuitState | undefined): BreakerState {
  if (state === CircuitState.Open) return 'open'
  return state === CircuitState.HalfOpen ? 'half-open' : 'closed'
}

function isAway(error: unknown): boolean {
  return error instanceof UpstreamError && AWAY.has(error.code)
}
