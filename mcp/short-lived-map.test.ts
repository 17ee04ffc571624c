import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { ShortLivedMap } from './short-lived-map.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void

describe('ShortLivedMap', () => {
  it('answers what was put in, in its order, until it is taken out', () => {
    const map = new ShortLivedMap<string, number>()
    map.set('a', 1)
    map.set('b', 2)
    map.set('a', 3)
    expect([map.size, map.get('a'), map.has('b'), map.get('c')]).toEqual([2, 3, true, undefined])
    expect([map.keys(), map.values()]).toEqual([
      ['a', 'b'],
      [3, 2],
    ])
    expect(map.entries()).toEqual([
      ['a', 3],
      ['b', 2],
    ])
    expect([map.delete('a'), map.delete('a'), map.size, map.get('a')]).toEqual([true, false, 1, undefined])
    map.clear()
    expect([map.size, map.values()]).toEqual([0, []])
  })

  it('lets go of what was taken out in the small collections already', () => {
    const map = new ShortLivedMap<number, number[]>()
    const churn = (from: number, count: number) => {
      for (let i = from; i < from + count; i++) {
        map.set(
          i,
          Array.from({ length: 5_000 }, () => i),
        )
        map.delete(i - 16)
        if (i % 50 === 0) collect({ type: 'minor' })
      }
    }
    churn(0, 200)
    collect({ type: 'major' })
    const before = process.memoryUsage().heapUsed
    churn(200, 2_000)
    collect({ type: 'minor' })
    collect({ type: 'minor' })
    // 2000 of 40 kB have passed. A Map holds half of them here; what is in the map is less than one.
    expect((process.memoryUsage().heapUsed - before) / 1e6).toBeLessThan(4)
  })
})
