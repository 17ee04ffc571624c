import { type Logger, pino } from 'pino'

const SECRET_PATHS = ['password', 'token', 'key', 'secret', 'authorization', 'cookie', 'ciphertext', 'env']

/** JSON lines on standard output; fields of these names are redacted at any of the first three levels. */
export const logger: Logger = pino({
  level: process.env.LOG_LEVEL || 'info',
  base: { process: process.env.TOOLBERTH_PROCESS ?? 'toolberth', pid: process.pid },
  redact: { paths: SECRET_PATHS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
})
