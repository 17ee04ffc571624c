import type { MetricsPoint } from '#contracts/toolboxes.ts'

export interface Summary {
  last: number
  mean: number
  highest: number
}

/** Last, mean and highest of what is known; null when nothing is. `highest` reads the peak of a stretch where it has one. */
export function summarise(
  points: readonly MetricsPoint[],
  value: (point: MetricsPoint) => number | null,
  peak: (point: MetricsPoint) => number | null = value,
): Summary | null {
  const known = points.map(value).filter((one) => one !== null)
  const last = known.at(-1)
  if (last === undefined) return null
  const peaks = points.map(peak).filter((one) => one !== null)
  return {
    last,
    mean: known.reduce((sum, one) => sum + one, 0) / known.length,
    highest: Math.max(...peaks),
  }
}
