import { expect, it } from 'vitest'
import type { LogLine } from '#contracts/dtma.ts'
import { createLineFilter, createPositioner } from './log-lines.ts'

const line = (second: number, text: string, seq?: number): LogLine => ({
  at: new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString(),
  stream: 'stderr',
  text,
  ...(seq !== undefined && { seq }),
})

it('gives lines of before a position that grows, and below that of what was written later', () => {
  const read = createPositioner()
  const old = [line(1, 'a'), line(1, 'b'), line(2, 'c')].map(read)
  const now = read(line(3, 'd', Date.UTC(2026, 0, 1, 12, 0, 3) * 1000))
  const seqs = [...old, now].map(({ seq }) => seq)
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
  expect(new Set(seqs).size).toBe(4)
})

it('finds by text in any case, level and above, and time', () => {
  const read = createPositioner()
  const lines = [
    line(1, '[DEBUG] cache'),
    line(2, '[WARN] Slow'),
    line(3, '[ERROR] slow'),
    line(4, 'slow'),
  ].map(read)
  const found = (filter: Parameters<typeof createLineFilter>[0]) =>
    lines.filter(createLineFilter(filter)).map(({ text }) => text)
  expect(found({})).toHaveLength(4)
  expect(found({ search: 'SLOW' })).toEqual(['[WARN] Slow', '[ERROR] slow', 'slow'])
  expect(found({ level: 'warn' })).toEqual(['[WARN] Slow', '[ERROR] slow'])
  expect(found({ search: 'slow', level: 'error' })).toEqual(['[ERROR] slow'])
  expect(found({ since: '2026-01-01T12:00:02.000Z', until: '2026-01-01T12:00:03.000Z' })).toEqual([
    '[WARN] Slow',
    '[ERROR] slow',
  ])
})
