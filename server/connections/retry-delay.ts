import { createHash } from 'node:crypto'

export const MAX_ATTEMPTS = 3

/**
 * Milliseconds between attempt `made` and the next: 1 s, then 2 s, each up to a quarter more. The jitter follows from the test's
 * id, so that the queue waits exactly as long as the page says.
 */
export function retryDelay(testId: string, made: number): number {
  const byte = createHash('sha256').update(`${testId}:${made}`).digest()[0] ?? 0
  const base = 1_000 * 2 ** (made - 1)
  return Math.round(base * (1 + byte / 1_024))
}
