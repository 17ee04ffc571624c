import type { Readable } from 'node:stream'
import type { LogSink } from '#dtma/drivers/driver.ts'
import { createLineReader, type LineReader } from '#mcp/line-reader.ts'

/** Kept whole until it was redacted; the log itself keeps less of a line. */
const MAX_LINE_CHARS = 64 * 1024

/** Cuts what a server prints into lines of its log. */
export function outputReader(name: 'stdout' | 'stderr', log: LogSink): LineReader {
  return createLineReader({
    maxChars: MAX_LINE_CHARS,
    onLine: (line) => log.write(name, line),
    // The last word may be the beginning of a secret, which nobody would recognise.
    onTooLong: (head) => log.write(name, `${head.replace(/\S+$/, '')}[line cut]`),
  })
}

/** Writes what a server prints into its log, line by line however it comes, and no faster than the log takes it. */
export function logOutput(stream: Readable, name: 'stdout' | 'stderr', log: LogSink): void {
  const reader = outputReader(name, log)
  stream.on('data', (chunk: Buffer) => {
    reader.push(chunk)
    const drained = log.drained()
    if (drained === null) return
    stream.pause()
    void drained.then(() => stream.resume())
  })
  stream.on('end', () => reader.end())
  stream.on('error', () => {})
}
