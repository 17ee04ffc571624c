import type { LogSink } from '#dtma/drivers/driver.ts'
import { createRedactor } from '#protocol/redact.ts'

/** The log of one session, in that of its instance: without its user's values. */
export type SessionLog = LogSink & {
  /** The server's last words on its standard error, or "". */
  lastWords(): string
  /** A text without the user's values. */
  redact(text: string): string
}

export function createSessionLog(log: LogSink, session: string, values: Iterable<string>): SessionLog {
  const redactor = createRedactor(values)
  let last = ''
  return {
    write(stream, text) {
      const redacted = redactor.text(text)
      if (stream === 'stderr' && redacted.trim() !== '') last = redacted
      // What the server prints stays as it is, so that its levels can be read.
      log.write(stream, stream === 'agent' ? `Session ${session}: ${redacted}` : redacted)
    },
    drained: () => log.drained(),
    lastWords: () => last,
    redact: (text) => redactor.text(text),
  }
}
