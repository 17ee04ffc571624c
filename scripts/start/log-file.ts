import { closeSync, copyFileSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/** Two generations of this size bound what a log takes on disk. */
const LIMIT_BYTES = 10 * 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const INTERVAL_MS = 200

/** Hands on the lines appended to a log file from now on, until stopped. */
export function followLog(path: string, onLine: (line: string) => void): { stop(): void } {
  let offset = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  let rest = ''
  let decoder = new StringDecoder('utf8')
  const read = () => {
    const text = readFrom(path, offset)
    if (text === null) return
    if (text.size < offset) {
      // Truncated by the rotation: begin again.
      offset = 0
      decoder = new StringDecoder('utf8')
      return
    }
    offset += text.bytes.length
    const lines = (rest + decoder.write(text.bytes)).split('\n')
    rest = (lines.pop() ?? '').slice(-CHUNK_BYTES)
    for (const line of lines) onLine(line)
  }
  const timer = setInterval(read, INTERVAL_MS)
  return {
    stop() {
      clearInterval(timer)
      read()
    },
  }
}

function readFrom(path: string, offset: number): { bytes: Buffer; size: number } | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return null
  }
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES)
    const length = readSync(file, buffer, 0, CHUNK_BYTES, offset)
    return { bytes: buffer.subarray(0, length), size: fstatSync(file).size }
  } finally {
    closeSync(file)
  }
}

/**
 * Keeps a log bounded: past 10 MiB its content moves to `<path>.1` and it starts over. Copied and truncated, not renamed:
 * the process that writes keeps the file open (in append mode, so it goes on at the new end).
 */
export function rotateLog(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= LIMIT_BYTES) return
  copyFileSync(path, `${path}.1`)
  truncateSync(path, 0)
}

/** What a line of a log says: the message of a JSON line at error level or above, or null when it is no such line. */
export function errorOf(line: string): string | null {
  const entry = parseLine(line)
  if (!entry || !isError(entry.level)) return null
  const err = entry.err as { message?: unknown } | undefined
  return (
    [entry.msg, err?.message].filter((text) => typeof text === 'string' && text !== '').join(': ') || line
  )
}

/** A line as a person reads it: the message of a JSON line, any other line as it is. */
export function readable(line: string): string {
  const entry = parseLine(line)
  return errorOf(line) ?? (typeof entry?.msg === 'string' ? entry.msg : line)
}

/** Whether a JSON line has this message. */
export function hasMessage(line: string, message: string): boolean {
  return parseLine(line)?.msg === message
}

/** Pino's levels, as the number or as the word. */
function isError(level: unknown): boolean {
  return typeof level === 'number' ? level >= 50 : level === 'error' || level === 'fatal'
}

function parseLine(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return null
  }
}
