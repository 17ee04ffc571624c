import { setTimeout as sleep } from 'node:timers/promises'

/** Long waits are asked about less often: what is waited for shares the processor with the questions. */
const FIRST_POLL_MS = 50
const LAST_POLL_MS = 250

/**
 * Asks again and again until the answer is something, and gives that. A question that throws is asked again, since what it is
 * put to may be down. Throws after `timeoutMs` with the last answer or failure.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const began = Date.now()
  const deadline = began + timeoutMs
  let last: unknown
  while (Date.now() < deadline) {
    try {
      const answer = await ask()
      if (answer !== null && answer !== undefined && answer !== false) return answer
      last = answer
    } catch (error) {
      last = error
    }
    await sleep(Math.min(LAST_POLL_MS, FIRST_POLL_MS + (Date.now() - began) / 20))
  }
  const why = last instanceof Error ? last.message : JSON.stringify(last)
  throw new Error(`${what}: not within ${timeoutMs / 1000} s (${why})`)
}
