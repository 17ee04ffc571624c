import { expect, it } from 'vitest'
import { createLineReader } from './line-reader.ts'

function read(chunks: (string | Uint8Array)[], maxChars = 1000) {
  const lines: string[] = []
  const tooLong: [string, string][] = []
  const reader = createLineReader({
    maxChars,
    onLine: (line) => lines.push(line),
    onTooLong: (head, tail) => tooLong.push([head, tail]),
  })
  for (const chunk of chunks) reader.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  reader.end()
  return { lines, tooLong }
}

it('splits at any chunk boundary, also inside a character', () => {
  const bytes = Buffer.from('grüße\r\nzwei\n\nlast')
  for (let cut = 0; cut <= bytes.length; cut++) {
    expect(read([bytes.subarray(0, cut), bytes.subarray(cut)]).lines).toEqual(['grüße', 'zwei', '', 'last'])
  }
})

it('keeps only both ends of a line that is too long', () => {
  const { lines, tooLong } = read(['ok\n', `head${'x'.repeat(2000)}`, 'x'.repeat(2000), 'tail\nnext\n'])
  expect(lines).toEqual(['ok', 'next'])
  expect(tooLong).toEqual([[`head${'x'.repeat(196)}`, `${'x'.repeat(196)}tail`]])
})
