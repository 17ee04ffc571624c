/** Resources that somebody wants to hear of; they may change while a stream is open. */
export interface WantedUris {
  current(): readonly string[]
  /** Calls the listener after each change, until the returned function is called. */
  onChange(listener: () => void): () => void
}

/** For whoever hears of lists alone. */
export const NO_URIS: WantedUris = { current: () => [], onChange: () => () => {} }

/** What several want together. */
export interface SharedUris extends WantedUris {
  set(holder: object, uris: readonly string[]): void
  delete(holder: object): void
}

export function createSharedUris(): SharedUris {
  const byHolder = new Map<object, readonly string[]>()
  const listeners = new Set<() => void>()
  let all: readonly string[] = []

  function recount(): void {
    const before = all
    all = [...new Set([...byHolder.values()].flat())]
    if (all.length === before.length && all.every((uri) => before.includes(uri))) return
    for (const listener of [...listeners]) listener()
  }

  return {
    current: () => all,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    set(holder, uris) {
      byHolder.set(holder, uris)
      recount()
    },
    delete(holder) {
      if (byHolder.delete(holder)) recount()
    },
  }
}
