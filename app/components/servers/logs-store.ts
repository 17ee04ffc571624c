import { LogLevel } from '#contracts/dtma.ts'
import type { LogEntry, LogInstance } from '#contracts/logs.ts'

/** What the page keeps; the toolbox keeps more, which search and download reach. */
const MAX_ROWS = 10_000

/** Lines that are left out at this place; null: nobody knows how many. */
export interface LogGap {
  gap: number | null
  seq: number
  instanceId: string
}
export type LogRow = LogEntry | LogGap

export function isGap(row: LogRow): row is LogGap {
  return 'gap' in row
}

/** The same for the same line, however often it is sent. */
export function rowKey(row: LogRow): string {
  return `${isGap(row) ? 'gap' : ''}${row.instanceId}:${row.seq}`
}

/** All rows in order of their positions, each once; the oldest go when there are too many. */
export function addRows(rows: readonly LogRow[], more: readonly LogRow[]): readonly LogRow[] {
  if (more.length === 0) return rows
  const known = new Set(rows.map(rowKey))
  const fresh = more.filter((row) => {
    const key = rowKey(row)
    if (known.has(key)) return false
    known.add(key)
    return true
  })
  if (fresh.length === 0) return rows
  const last = rows.at(-1)?.seq ?? Number.NEGATIVE_INFINITY
  const inOrder = fresh.every(({ seq }, index) => seq >= (fresh[index - 1]?.seq ?? last))
  const all = [...rows, ...fresh]
  return (inOrder ? all : all.toSorted((a, b) => a.seq - b.seq)).slice(-MAX_ROWS)
}

/** A note of left-out lines, behind the newest line of that instance. */
export function gapAfter(rows: readonly LogRow[], instanceId: string, lines: number | null): LogGap {
  const newest = rows.findLast((row) => row.instanceId === instanceId)?.seq ?? 0
  return { gap: lines, seq: newest + 0.5, instanceId }
}

/** Whether a row is among what is looked for: by the text, and by its level or a weightier one. */
export function isWanted(
  row: LogRow,
  { search, level }: { search: string; level: LogLevel | null },
): boolean {
  if (isGap(row)) return search === '' && level === null
  const weights = LogLevel.options
  if (level !== null && (row.level === null || weights.indexOf(row.level) < weights.indexOf(level)))
    return false
  return row.text.toLowerCase().includes(search.toLowerCase())
}

const ROLES: Readonly<Record<LogInstance['role'], string>> = {
  serving: 'serving',
  starting: 'starting',
  draining: 'draining',
  stopped: 'stopped',
  removing: 'being removed',
}

/** An instance as people tell it from others. */
export function instanceName({ revisionNumber, attempt, role }: LogInstance): string {
  return `Revision ${revisionNumber}${attempt > 1 ? `, attempt ${attempt}` : ''} (${ROLES[role]})`
}

// Colours and cursor moves of terminals, which a page cannot show.
// oxlint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g

export function plainText(text: string): string {
  return text.replace(ESCAPES, '')
}
