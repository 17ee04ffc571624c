import { describe, expect, it } from 'vitest'
import type { MetricsPoint } from '#contracts/toolboxes.ts'
import { summarise } from './metrics-summary.ts'

const point = (load: number | null, loadMax = load): MetricsPoint => ({
  at: '2026-01-01T00:00:00.000Z',
  load,
  loadMax,
  memoryUsedBytes: null,
  memoryUsedMaxBytes: null,
  diskUsedBytes: null,
})

describe('summarise', () => {
  it('leaves out what is not known', () => {
    const points = [point(1), point(null), point(3), point(null)]
    expect(summarise(points, ({ load }) => load)).toEqual({ last: 3, mean: 2, highest: 3 })
  })

  it('takes the highest from the peaks', () => {
    const points = [point(1, 9), point(2, 2)]
    expect(
      summarise(
        points,
        ({ load }) => load,
        ({ loadMax }) => loadMax,
      ),
    ).toEqual({ last: 2, mean: 1.5, highest: 9 })
  })

  it('says nothing of nothing', () => {
    expect(summarise([point(null)], ({ load }) => load)).toBeNull()
    expect(summarise([], ({ load }) => load)).toBeNull()
  })
})
