import { type Logger, pino } from 'pino'
import { createRedactor } from '#protocol/redact.ts'

export type { Logger }

/** JSON lines on standard output; values that look like secrets are redacted wherever they stand. */
export function createLogger(level: string): Logger {
  const redactor = createRedactor([])
  return pino({
    level,
    base: { process: 'dtma' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label) => ({ level: label }),
      log: (fields) => redactor.value(fields) as Record<string, unknown>,
    },
    serializers: { err: (error) => ({ ...pino.stdSerializers.err(error) }) },
  })
}
