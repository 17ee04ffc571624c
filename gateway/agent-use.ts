/** The page of an agent says "last used" to the minute. */
const EVERY_MS = 60_000
/** Agents remembered; more only cost a write sooner. */
const MAX_AGENTS = 10_000

/** Answers a function that notes an agent's use, at most once a minute each, without being waited for. */
export function createUseNotes(
  touch: (agentId: string) => Promise<void>,
  onError: (error: unknown) => void,
): (agentId: string) => void {
  const noted = new Map<string, number>()
  return (agentId) => {
    const now = performance.now()
    if (now - (noted.get(agentId) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return
    if (noted.size >= MAX_AGENTS) noted.clear()
    noted.set(agentId, now)
    touch(agentId).catch(onError)
  }
}
