import { expect, it } from 'vitest'
import { spread } from './spread-sequencer.ts'

it('spreads the few among the first two thirds of the many, and loses none', () => {
  const many = Array.from({ length: 12 }, (_, n) => n)
  expect(spread(['a', 'b'], many.map(String)).join('')).toBe('a0123b4567891011')
  expect(spread(['a', 'b', 'c'], ['0'])).toEqual(['a', '0', 'b', 'c'])
  expect(spread([], ['0'])).toEqual(['0'])
})
