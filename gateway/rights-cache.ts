import { ShortLivedMap } from '#mcp/short-lived-map.ts'
import { createLimit } from './limit-concurrency.ts'

/** Where rights come from. Both may throw when the store is out of reach. */
export interface RightsStore<Rights> {
  /** `null`: nobody has this token. */
  load(tokenHash: Buffer): Promise<Rights | null>
  /** A number that is another one after every change to anybody's rights. */
  readVersion(): Promise<bigint>
}

/** The version of the rights is unknown for longer than rights may be trusted. */
export class RightsUnavailableError extends Error {
  constructor(cause: unknown) {
    super('The store of rights cannot be reached.', { cause })
    this.name = 'RightsUnavailableError'
  }
}

export interface RightsCache<Rights> {
  /** `null` for an unknown or revoked token. Throws RightsUnavailableError. */
  get(tokenHash: Buffer): Promise<Rights | null>
  /**
   * Calls `onChange` with every new state of a token's rights (`null`: revoked) until the answered function is called: for open
   * streams and calls under way.
   */
  watch(tokenHash: Buffer, onChange: (rights: Rights | null) => void): () => void
  close(): void
}

/** Rights older than this are checked against the version before use, milliseconds (design, rule 13). */
const MAX_AGE_MS = 500
/** Without a readable version, rights end after this, milliseconds. */
const REFUSE_AFTER_MS = 1000
/** Shorter than MAX_AGE_MS, so that in a healthy process no request waits for the version. */
const POLL_MS = 400
/** A store that hangs is out of reach, milliseconds. */
const STORE_TIMEOUT_MS = 1000
/** Tokens remembered per process; the least recently used go first. */
const MAX_ENTRIES = 10_000

/** Loads at a time: after a change every active agent's rights are loaded anew, which must not take all of the store's connections. */
const MAX_LOADS = 8

interface Entry<Rights> {
  version: bigint
  rights: Rights | null
}

/**
 * Rights by token hash, valid while the version stands still. One version query at a time and process, begun every 400 ms;
 * a change makes every entry stale, and those that are watched are loaded anew at once.
 */
export function createRightsCache<Rights>(
  store: RightsStore<Rights>,
  options: { pollMs?: number; maxEntries?: number } = {},
): RightsCache<Rights> {
  const entries = new Map<string, Entry<Rights>>()
  /** The key used last: whoever calls again does not move in the order of use. */
  let newest: string | null = null
  const loading = new Map<string, { version: bigint; result: Promise<Rights | null> }>()
  const watchers = new ShortLivedMap<string, ShortLivedMap<number, (rights: Rights | null) => void>>()
  let lastWatcher = 0
  const maxEntries = options.maxEntries ?? MAX_ENTRIES
  const limit = createLimit(MAX_LOADS)
  let version: bigint | null = null
  let checkedAt = Number.NEGATIVE_INFINITY
  let checking: Promise<void> | null = null
  let closed = false
  let timer: NodeJS.Timeout | undefined

  /** Age counts from the start of the query: what it saw is at least that old. */
  function check(): Promise<void> {
    checking ??= (async () => {
      const startedAt = performance.now()
      try {
        const seen = await withTimeout(store.readVersion())
        version = seen
        checkedAt = startedAt
        reloadWatched()
      } finally {
        checking = null
      }
    })()
    return checking
  }

  async function currentVersion(): Promise<bigint> {
    if (version !== null && performance.now() - checkedAt <= MAX_AGE_MS) return version
    try {
      await check()
    } catch (error) {
      if (version === null || performance.now() - checkedAt > REFUSE_AFTER_MS) {
        throw new RightsUnavailableError(error)
      }
    }
    if (version === null) throw new RightsUnavailableError(undefined)
    return version
  }

  function load(key: string, at: bigint): Promise<Rights | null> {
    const running = loading.get(key)
    if (running?.version === at) return running.result
    const result = limit(() => withTimeout(store.load(Buffer.from(key, 'base64url')))).then(
      (rights) => {
        if (loading.get(key)?.result === result) {
          loading.delete(key)
          remember(key, { version: at, rights })
          for (const onChange of watchers.get(key)?.values() ?? []) onChange(rights)
        }
        return rights
      },
      (error: unknown) => {
        if (loading.get(key)?.result === result) loading.delete(key)
        throw new RightsUnavailableError(error)
      },
    )
    loading.set(key, { version: at, result })
    return result
  }

  function remember(key: string, entry: Entry<Rights>): void {
    entries.delete(key)
    entries.set(key, entry)
    newest = key
    if (entries.size <= maxEntries) return
    const oldest = entries.keys().next()
    if (!oldest.done) entries.delete(oldest.value)
  }

  /** A load that fails is tried again after the next poll. */
  function reloadWatched(): void {
    for (const key of watchers.keys()) reloadStale(key)
  }

  function reloadStale(key: string): void {
    if (version === null || entries.get(key)?.version === version) return
    load(key, version).catch(() => {})
  }

  function poll(): void {
    const next = () => {
      if (!closed) timer = setTimeout(poll, options.pollMs ?? POLL_MS)
    }
    check().then(next, next)
  }
  poll()

  return {
    async get(tokenHash) {
      const key = tokenHash.toString('base64url')
      const now = await currentVersion()
      const entry = entries.get(key)
      if (entry?.version === now) {
        if (key !== newest) remember(key, entry)
        return entry.rights
      }
      return load(key, now)
    },
    watch(tokenHash, onChange) {
      const key = tokenHash.toString('base64url')
      const watching = watchers.get(key) ?? new ShortLivedMap()
      const number = ++lastWatcher
      watching.set(number, onChange)
      watchers.set(key, watching)
      // What changed between the caller's `get` and this call would be missed otherwise.
      reloadStale(key)
      return () => {
        watching.delete(number)
        if (watching.size === 0 && watchers.get(key) === watching) watchers.delete(key)
      }
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

async function withTimeout<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error('The store did not answer in time.')),
    STORE_TIMEOUT_MS,
  )
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
