import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 50

/**
 * Asks again and again until the answer is something, and gives that. A question that throws is asked again, since what it is
 * put to may be down. Throws after `timeoutMs` with the last answer or failure.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  let last: unknown
  while (Date.now() < deadline) {
    try {
      const answer = await ask()
      if (answer !== null && answer !== undefined && answer !== false) return answer
      last = answer
    } catch (error) {
      last = error
    }
    await sleep(POLL_MS)
  }
  const why = last instanceof Error ? last.message : JSON.stringify(last)
  throw new Error(`${what}: not within ${timeoutMs / 1000} s (${why})`)
}
