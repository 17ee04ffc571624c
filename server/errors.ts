import { ERROR_CATALOGUE, type ErrorAnswer, type ErrorCode, type Failure } from '#contracts/errors.ts'

export interface AppErrorOptions {
  /** For the user: which field is wrong and why. */
  fields?: Record<string, string[]>
  /** For the user: what the catalogue's text cannot know, such as the name of a toolbox. Never a secret. */
  detail?: string
  /** Seconds until it is worth trying again. */
  retryAfter?: number
  cause?: unknown
}

/**
 * Every failure that the domain means. `message` is internal (logs); the user's text and next action come from the catalogue by
 * `code`, together with `detail` and `fields`.
 */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly fields: Record<string, string[]> | undefined
  readonly detail: string | undefined
  readonly retryAfter: number | undefined

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.fields = options.fields
    this.detail = options.detail
    this.retryAfter = options.retryAfter
  }
}

/** What a caller is told of a failure. */
export function toErrorAnswer(error: AppError, requestId: string): ErrorAnswer {
  const { text, action, retryable } = ERROR_CATALOGUE[error.code]
  return {
    code: error.code,
    text,
    action,
    retryable,
    requestId,
    ...(error.fields && { fields: error.fields }),
    ...(error.detail !== undefined && { detail: error.detail }),
    ...(error.retryAfter !== undefined && { retryAfter: error.retryAfter }),
  }
}

/** A failure as rows keep it. */
export function toFailure(code: ErrorCode, rest: Partial<Omit<Failure, 'code'>> = {}): Failure {
  return {
    code,
    detail: rest.detail ?? null,
    variable: rest.variable ?? null,
    exitCode: rest.exitCode ?? null,
  }
}

/** Postgres' SQLSTATE and constraint of an error that came through Prisma's driver adapter, if it is one. */
export function databaseErrorOf(error: unknown): { sqlState: string; constraint: string | null } | null {
  const seen = new Set<unknown>()
  let at: unknown = error
  while (typeof at === 'object' && at !== null && !seen.has(at)) {
    seen.add(at)
    const { originalCode, code, constraint, originalMessage } = at as Record<string, unknown>
    const sqlState =
      typeof originalCode === 'string'
        ? originalCode
        : typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('P')
          ? code
          : null
    if (sqlState) {
      const named = /constraint "([^"]+)"/.exec(
        typeof originalMessage === 'string' ? originalMessage : String((at as Partial<Error>).message),
      )
      return { sqlState, constraint: typeof constraint === 'string' ? constraint : (named?.[1] ?? null) }
    }
    const next = at as { cause?: unknown; meta?: { driverAdapterError?: unknown } }
    at = next.meta?.driverAdapterError ?? next.cause
  }
  return null
}

/** Whether the error is the unique constraint or index of this name being hit. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  const found = databaseErrorOf(error)
  return found?.sqlState === '23505' && found.constraint === constraint
}
