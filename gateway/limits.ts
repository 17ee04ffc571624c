import type { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'

/** Limits are calls a minute. */
const WINDOW_SECONDS = 60
/** Calls that a process fetches at once: 1% of the limit, so a minute costs Redis a hundred questions at most. */
const SHARE = 100
/** Whoever called within the window; beyond this the longest unused are counted anew from what Redis says. */
const MAX_WINDOWS = 20_000

export interface Limits {
  /**
   * Takes one call of `limit` in this minute (null: no limit). Answers null when there was one, else the milliseconds until there is
   * one again. A promise only where Redis has to be asked.
   */
  take(key: string, limit: number | null): number | null | Promise<number | null>
}

interface Window {
  limit: number
  /** Calls fetched from the common count and not yet made. */
  left: number
  /** Nothing is left for anybody until `endsAt`. */
  spent: boolean
  endsAt: number
  waiting: number
  fetching: Promise<void> | null
}

/**
 * Counts calls in Redis for all replicas together, exactly: what a process may let through it has taken from the common count
 * before. It takes small blocks, so that a call rarely waits for Redis; what one process did not use of its block is lost to the
 * others in that minute (1% of the limit at most). While Redis is out of reach each process counts for itself.
 */
export function createLimits(redis: Redis, options: { keyPrefix: string; windowSeconds?: number }): Limits {
  const duration = options.windowSeconds ?? WINDOW_SECONDS
  // The library counts; what is too many is decided here, since every agent and connection has a limit of its own.
  const points = Number.MAX_SAFE_INTEGER
  const counter = new RateLimiterRedis({
    points,
    duration,
    storeClient: redis,
    keyPrefix: `${options.keyPrefix}:calls`,
    rejectIfRedisNotReady: true,
    insuranceLimiter: new RateLimiterMemory({ points, duration }),
  })
  const windows = new Map<string, Window>()

  function windowOf(key: string, limit: number): Window {
    const known = windows.get(key)
    // A limit that was changed applies to what is left of the minute.
    if (known?.limit === limit) return known
    if (windows.size >= MAX_WINDOWS) dropOldest(windows)
    const window = { limit, left: 0, spent: false, endsAt: 0, waiting: 0, fetching: null }
    windows.set(key, window)
    return window
  }

  async function fetchBlock(key: string, window: Window): Promise<void> {
    const block = Math.max(1, Math.floor(window.limit / SHARE), window.waiting)
    const askedAt = performance.now()
    const { consumedPoints, msBeforeNext } = await counter.consume(key, block)
    window.endsAt = askedAt + msBeforeNext
    window.left = Math.min(block, Math.max(0, window.limit - (consumedPoints - block)))
    window.spent = window.left === 0
  }

  async function takeFetched(key: string, window: Window): Promise<number | null> {
    window.waiting++
    try {
      for (;;) {
        window.fetching ??= fetchBlock(key, window).finally(() => {
          window.fetching = null
        })
        await window.fetching
        const taken = takeLocal(window)
        if (taken !== undefined) return taken
      }
    } finally {
      window.waiting--
    }
  }

  return {
    take(key, limit) {
      if (limit === null) return null
      const window = windowOf(key, limit)
      const taken = takeLocal(window)
      return taken === undefined ? takeFetched(key, window) : taken
    },
  }
}

/** `undefined` when the common count has to be asked. */
function takeLocal(window: Window): number | null | undefined {
  const leftMs = window.endsAt - performance.now()
  if (leftMs <= 0) return undefined
  if (window.left > 0) {
    window.left--
    return null
  }
  return window.spent ? Math.ceil(leftMs) : undefined
}

function dropOldest(windows: Map<string, Window>): void {
  const now = performance.now()
  for (const [key, { endsAt, waiting }] of windows) if (endsAt <= now && waiting === 0) windows.delete(key)
  const oldest = windows.keys().next()
  if (windows.size >= MAX_WINDOWS && !oldest.done) windows.delete(oldest.value)
}
