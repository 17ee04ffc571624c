import { LogLevel, type LogLine } from '#contracts/dtma.ts'
import type { LogFilter } from '#contracts/logs.ts'
import { createLevelReader } from './log-level.ts'

export type PositionedLine = LogLine & { seq: number }
export type LeveledLine = PositionedLine & { level: LogLevel | null }

/** A position from the clock: microseconds since 1970, so that it grows over restarts whatever is left on disk. */
export function positionAt(at: Date): number {
  return at.getTime() * 1000
}

/** Gives each line of one log, oldest first, its position and level: lines written before there were positions get theirs from their time. */
export function createPositioner(): (line: LogLine) => LeveledLine {
  const levelOf = createLevelReader()
  let last = -1
  return (line) => {
    last = line.seq ?? Math.max(last + 1, positionAt(new Date(line.at)))
    const level = levelOf(line)
    return { ...line, seq: last, level: line.level === undefined ? level : line.level }
  }
}

/** Whether a line is among what is asked for. */
export function createLineFilter(filter: LogFilter): (line: LeveledLine) => boolean {
  const wanted = filter.search?.toLowerCase()
  const weights = LogLevel.options
  const lightest = filter.level === undefined ? null : weights.indexOf(filter.level)
  const since = filter.since === undefined ? null : Date.parse(filter.since)
  const until = filter.until === undefined ? null : Date.parse(filter.until)
  return (line) => {
    if (lightest !== null && (line.level === null || weights.indexOf(line.level) < lightest)) return false
    if (wanted !== undefined && !line.text.toLowerCase().includes(wanted)) return false
    const at = Date.parse(line.at)
    return (since === null || at >= since) && (until === null || at <= until)
  }
}
