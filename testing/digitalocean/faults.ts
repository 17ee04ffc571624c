/**
 * What can go wrong with one request. `refuse`: the connection breaks before anything was done. `drop`: it is done, and the
 * connection breaks before the answer. `error-before`, `error-after`: 500, without and with it having been done. `limit`: 429.
 * `hold-before`, `hold-after`: nothing comes back until it is let go, and it is done then, or has been at once.
 */
export const FAULTS = [
  'refuse',
  'drop',
  'error-before',
  'error-after',
  'limit',
  'hold-before',
  'hold-after',
] as const
export type Fault = (typeof FAULTS)[number]

interface Requested {
  method: string
  path: string
}

export interface Faults {
  /** The n-th request from now on, the first being 1. */
  at(n: number, fault: Fault): void
  /** Every request that matches, until it is cleared. */
  always(matches: (request: Requested) => boolean, fault: Fault): void
  /** Every request that reads, the first time that it is sent. */
  everyRead(fault: Fault): void
  /** How many requests have met a fault since it was cleared. */
  met(): number
  clear(): void
  /** Lets the requests that are held go on. */
  letGo(): void
  /** How many are held at the moment. */
  held(): number
}

export function createFaults(): Faults & {
  next(request: Requested): Fault | null
  hold(): Promise<void>
} {
  let count = 0
  let planned = new Map<number, Fault>()
  let rules: { matches: (request: Requested) => boolean; fault: Fault }[] = []
  let met = 0
  let waiting: (() => void)[] = []
  return {
    at(n, fault) {
      planned.set(count + n, fault)
    },
    always(matches, fault) {
      rules.push({ matches, fault })
    },
    everyRead(fault) {
      const seen = new Set<string>()
      const isFirst = (path: string) => !seen.has(path) && Boolean(seen.add(path))
      rules.push({ matches: ({ method, path }) => method === 'GET' && isFirst(path), fault })
    },
    met: () => met,
    clear() {
      planned = new Map()
      rules = []
      met = 0
    },
    letGo() {
      for (const go of waiting.splice(0)) go()
    },
    held: () => waiting.length,
    next(request) {
      count++
      const fault = planned.get(count) ?? rules.find(({ matches }) => matches(request))?.fault ?? null
      if (fault) met++
      return fault
    },
    hold: () =>
      new Promise((resolve) => {
        waiting = [...waiting, resolve]
      }),
  }
}
