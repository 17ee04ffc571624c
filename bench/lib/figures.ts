/** Milliseconds of several runs, in short. */
export interface Figures {
  count: number
  p50: number
  p95: number
  min: number
  max: number
}

/** Percentiles by the nearest rank, so that each is a time that was really measured. Throws RangeError when there are none. */
export function figuresOf(milliseconds: readonly number[]): Figures {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const at = (share: number) => {
    const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
    if (found === undefined) throw new RangeError('There is nothing to sum up.')
    return Math.round(found)
  }
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), min: at(0), max: at(1) }
}

/** `p50 1.24 s, p95 1.90 s (0.98 to 2.02 s, 20 of them)`. */
export function inWords({ count, p50, p95, min, max }: Figures): string {
  return `p50 ${seconds(p50)}, p95 ${seconds(p95)} (${seconds(min)} to ${seconds(max)}, ${count} of them)`
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
