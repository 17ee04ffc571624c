import { describe, expect, it } from 'vitest'
import type { LogEntry } from '#contracts/logs.ts'
import { addRows, gapAfter, instanceName, isGap, isWanted, type LogRow, plainText } from './logs-store.ts'

const line = (
  seq: number,
  text = String(seq),
  instanceId = 'a',
  level: LogEntry['level'] = null,
): LogEntry => ({
  at: '2026-01-01T00:00:00.000Z',
  stream: 'stdout',
  text,
  seq,
  level,
  instanceId,
})
const seqs = (rows: readonly LogRow[]) => rows.map(({ seq }) => seq)

describe('rows', () => {
  it('are each there once, in order, whichever way they came', () => {
    const rows = addRows([line(1), line(3)], [line(3), line(2), line(2, 'x', 'b'), line(4)])
    expect(seqs(rows)).toEqual([1, 2, 2, 3, 4])
    expect(addRows(rows, [line(4)])).toBe(rows)
  })

  it('are bounded, and keep the newest', () => {
    const rows = addRows(
      [],
      Array.from({ length: 10_050 }, (_, at) => line(at)),
    )
    expect([rows.length, rows[0]?.seq, rows.at(-1)?.seq]).toEqual([10_000, 50, 10_049])
  })

  it('note what is left out behind the line before it', () => {
    const rows = addRows(
      [line(1), line(2), line(3, 'x', 'b')],
      [gapAfter([line(1), line(2)], 'a', 7), line(9)],
    )
    expect(rows.map((row) => (isGap(row) ? row.gap : row.seq))).toEqual([1, 2, 7, 3, 9])
  })

  it('are found by text and level', () => {
    const rows = [
      line(1, 'Slow', 'a', 'warn'),
      line(2, 'slow', 'a', 'error'),
      line(3, 'slow'),
      gapAfter([], 'a', 1),
    ]
    const find = (search: string, level: LogEntry['level']) =>
      rows.filter((row) => isWanted(row, { search, level }))
    expect(find('', null)).toHaveLength(4)
    expect(seqs(find('SLOW', null))).toEqual([1, 2, 3])
    expect(seqs(find('', 'error'))).toEqual([2])
    expect(seqs(find('slow', 'info'))).toEqual([1, 2])
  })
})

it('names instances, and shows text without what is meant for terminals', () => {
  const instance = { id: 'a', revisionNumber: 2, attempt: 1, role: 'serving' as const, createdAt: '' }
  expect(instanceName(instance)).toBe('Revision 2 (serving)')
  expect(instanceName({ ...instance, attempt: 3, role: 'removing' })).toBe(
    'Revision 2, attempt 3 (being removed)',
  )
  expect(plainText('\u001b[1;31mred\u001b[0m \u001b]8;;x\u0007link\u001b]8;;\u0007')).toBe('red link')
})
