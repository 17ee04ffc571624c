import { expect, it } from 'vitest'
import { figuresOf, inWords } from './figures.ts'

it('percentiles are times that were measured', () => {
  const times = Array.from({ length: 20 }, (_, at) => (20 - at) * 100)
  expect(figuresOf(times)).toEqual({ count: 20, p50: 1000, p95: 1900, min: 100, max: 2000 })
  expect(figuresOf([7])).toEqual({ count: 1, p50: 7, p95: 7, min: 7, max: 7 })
  expect(() => figuresOf([])).toThrow(RangeError)
})

it('figures are told in seconds', () => {
  expect(inWords(figuresOf([980, 1240, 2020]))).toBe('p50 1.24 s, p95 2.02 s (0.98 s to 2.02 s, 3 of them)')
})
