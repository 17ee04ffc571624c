import { describe, expect, it } from 'vitest'
import { formatBytes, formatDuration, formatLatency, formatWhole, plural } from '#app/components/ui/format.ts'

describe('figures', () => {
  it.each([
    [-5, '0.0 s'],
    [412, '0.4 s'],
    [9_940, '9.9 s'],
    [12_400, '12 s'],
    [59_600, '60 s'],
    [65_000, '1 min 05 s'],
    [3_960_000, '1 h 06 min'],
  ])('say %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('count in whole seconds where more would be a pretence', () => {
    expect([0, 6_400, 61_000].map(formatWhole)).toEqual(['1 s', '6 s', '1 min 01 s'])
  })

  it('keep a latency in milliseconds while it is one', () => {
    expect([0.2, 43.4, 1_500].map(formatLatency)).toEqual(['1 ms', '43 ms', '1.5 s'])
  })

  it('use binary units', () => {
    expect([512, 71e6, 512 * 1024 ** 2, 25_200_000_000].map(formatBytes)).toEqual([
      '512 B',
      '67.7 MiB',
      '512 MiB',
      '23.5 GiB',
    ])
  })

  it('agree in number', () => {
    expect([plural(1, 'tool'), plural(0, 'tool')]).toEqual(['1 tool', '0 tools'])
  })
})
