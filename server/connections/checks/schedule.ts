/** Milliseconds to the first check after a failure; each further failure doubles them, up to the usual interval. */
const FIRST_RETRY_MS = 15_000

/**
 * Milliseconds until a connection is checked again: after `failedInARow` failures, or none. `intervalMs` is how often one that works
 * is checked; `random` in [0, 1) spreads those that began together.
 */
export function nextCheckInMs(failedInARow: number, intervalMs: number, random = Math.random()): number {
  if (failedInARow === 0) return Math.round(intervalMs * (0.9 + random * 0.2))
  const retry = FIRST_RETRY_MS * 2 ** Math.min(failedInARow - 1, 20)
  return Math.round(Math.min(retry * (1 + random * 0.25), intervalMs * (0.9 + random * 0.2)))
}
