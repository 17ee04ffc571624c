/** Streams of `subscriptions/listen` of one agent in one process: a client that opens them in a loop must not take all memory. */
const MAX_PER_AGENT = 64

/** The streams of `subscriptions/listen` of this process. */
export interface OpenListens {
  /** `end` is called when the gateway stops. Answers what takes the stream out again; null when the agent has too many. */
  add(agentId: string, end: () => void): (() => void) | null
  endAll(): void
  readonly size: number
}

export function createOpenListens(maxPerAgent = MAX_PER_AGENT): OpenListens {
  const byAgent = new Map<string, Set<() => void>>()
  let size = 0
  return {
    get size() {
      return size
    },
    add(agentId, end) {
      const open = byAgent.get(agentId) ?? new Set()
      if (open.size >= maxPerAgent) return null
      byAgent.set(agentId, open.add(end))
      size++
      return () => {
        if (!open.delete(end)) return
        size--
        if (open.size === 0 && byAgent.get(agentId) === open) byAgent.delete(agentId)
      }
    },
    endAll() {
      for (const open of [...byAgent.values()]) for (const end of [...open]) end()
    },
  }
}
