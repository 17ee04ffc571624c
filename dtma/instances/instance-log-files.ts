import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { LogLine } from '#contracts/dtma.ts'

/** Longer than any one line: 8 KiB of text, of which each character may be escaped. */
const END_BYTES = 128 * 1024

/** A line that a crash cut in two is left out. */
export function parseLine(text: string): LogLine[] {
  try {
    const parsed = LogLine.safeParse(JSON.parse(text))
    return parsed.success ? [parsed.data] : []
  } catch {
    return []
  }
}

/** The position of the last whole line of a file; null when there is none. Read at once, for a line that waits for its own. */
export function lastPosition(path: string): number | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return null
  }
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.alloc(Math.min(size, END_BYTES))
    readSync(file, bytes, 0, bytes.length, size - bytes.length)
    const lines = bytes.toString('utf8').split('\n').toReversed()
    return lines.flatMap(parseLine).find(({ seq }) => seq !== undefined)?.seq ?? null
  } finally {
    closeSync(file)
  }
}
