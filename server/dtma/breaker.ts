import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleWhen,
  TaskCancelledError,
} from 'cockatiel'
import { announceBreaker, forgetBreaker, noteBreaker } from './breaker-state.ts'
import { isLaneStuck, LaneFull } from './bulkhead.ts'
import { DtmaError } from './errors.ts'

/** Calls in a row without an answer, of any two in flight, that open it. */
const FAILURES = 3
/** How long it stays open the first, second, … time in a row; short, so that a toolbox that is back is soon called again. */
const OPEN_MS = [2_000, 4_000, 8_000] as const

/** While one call tries, or those before hang: they have 5 s. */
const ASK_AGAIN_MS = 2_000

interface Target {
  readonly id: string
  readonly url: string
  readonly certificate: string
}

interface Breaker {
  /** Where it leads to: a toolbox that has enrolled anew is judged anew. */
  readonly target: string
  readonly policy: CircuitBreakerPolicy
  openUntil: number
  cause: DtmaError | null
}

const breakers = new Map<string, Breaker>()

/**
 * Runs `work` unless the last calls to this toolbox have got no answer: then it throws their DtmaError at once, until one call is
 * let through to try (half-open). While that is under way others wait for it, or without `wait` get LaneFull. An answer that
 * refuses is an answer.
 */
export async function throughBreaker<T>(
  toolbox: Target,
  wait: boolean,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const breaker = breakerOf(toolbox)
  throwIfOpen(breaker)
  if (!wait && breaker.policy.state === CircuitState.HalfOpen)
    throw new LaneFull(`toolbox ${toolbox.id} is being tried`)
  try {
    const outcome = await breaker.policy.execute(async () => {
      try {
        return { value: await work() }
      } catch (error) {
        if (isAway(error)) throw error
        return { error }
      }
    }, signal)
    if ('error' in outcome) throw outcome.error
    return outcome.value
  } catch (error) {
    // It waited for the call that was let through, which got no answer either, or took all the time.
    if ((error instanceof BrokenCircuitError || error instanceof TaskCancelledError) && breaker.cause)
      throw breaker.cause
    throw error
  }
}

/** Throws the DtmaError that opened the breaker of this toolbox, while it is open: for callers that have something to prepare. */
export function refuseWhileOpen(toolbox: Target): void {
  throwIfOpen(breakerOf(toolbox))
}

/**
 * Milliseconds until it is worth asking this toolbox; 0 when it is now. For steps, which have much to do before they ask. While the
 * breaker is open those that have not yet noted it (`told`) go on to do so.
 */
export function msUntilWorthAsking(toolbox: Target, told: boolean): number {
  const { policy, openUntil } = breakerOf(toolbox)
  if (policy.state === CircuitState.Open) return told ? Math.max(0, openUntil - Date.now()) : 0
  return policy.state === CircuitState.HalfOpen || isLaneStuck(toolbox.id) ? ASK_AGAIN_MS : 0
}

/** Judges every toolbox anew. */
export function closeBreakers(): void {
  breakers.clear()
}

function throwIfOpen(breaker: Breaker): void {
  if (breaker.policy.state === CircuitState.Open && Date.now() < breaker.openUntil && breaker.cause)
    throw breaker.cause
}

function breakerOf({ id, url, certificate }: Target): Breaker {
  const target = `${url} ${certificate}`
  const known = breakers.get(id)
  if (known?.target === target) return known
  const policy = circuitBreaker(handleWhen(isAway), {
    breaker: new ConsecutiveBreaker(FAILURES),
    halfOpenAfter: new DelegateBackoff(({ attempt }) => openMs(attempt)),
  })
  const breaker: Breaker = { target, policy, openUntil: 0, cause: null }
  let times = 0
  policy.onBreak((reason) => {
    if (!('error' in reason) || !(reason.error instanceof DtmaError)) return
    times += 1
    breaker.cause = reason.error
    breaker.openUntil = Date.now() + openMs(times)
    noteBreaker(id, { openUntil: breaker.openUntil, cause: reason.error.message })
    if (times === 1) announceBreaker(id, 'open')
  })
  policy.onReset(() => {
    times = 0
    forgetBreaker(id)
    announceBreaker(id, 'closed')
  })
  breakers.set(id, breaker)
  return breaker
}

function openMs(times: number): number {
  return OPEN_MS[Math.min(times, OPEN_MS.length) - 1] ?? OPEN_MS[0]
}

function isAway(error: unknown): boolean {
  return error instanceof DtmaError && error.code === 'TOOLBOX_UNREACHABLE'
}
