import { TRPCError } from '@trpc/server'
import { ZodError } from 'zod'
import { ERROR_CATALOGUE, type ErrorAnswer } from '#contracts/errors.ts'
import { AppError, databaseErrorOf, toErrorAnswer } from '#server/errors.ts'

type TrpcCode = TRPCError['code']

const CODES: Record<(typeof ERROR_CATALOGUE)[keyof typeof ERROR_CATALOGUE]['status'], TrpcCode> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  412: 'PRECONDITION_FAILED',
  413: 'PAYLOAD_TOO_LARGE',
  429: 'TOO_MANY_REQUESTS',
  500: 'INTERNAL_SERVER_ERROR',
  502: 'BAD_GATEWAY',
  503: 'SERVICE_UNAVAILABLE',
  504: 'GATEWAY_TIMEOUT',
}

/** SQLSTATE classes and codes of a database that is away, and what Prisma and ioredis call the same. */
const AWAY = /^(08|57P0|53)/
const AWAY_CODES = new Set([
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  'P2028',
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
])

/** Every failure as an AppError: the domain's own, what was wrong with the input, or one that says nothing of its inside. */
export function toAppError(error: TRPCError): AppError {
  const cause = error.cause
  if (cause instanceof AppError) return cause
  if (cause instanceof ZodError && error.code === 'BAD_REQUEST')
    return new AppError('BAD_REQUEST', error.message, { fields: fieldsOf(cause), cause })
  if (isStoreAway(cause)) return new AppError('STORE_UNAVAILABLE', 'store is away', { cause })
  const sqlState = databaseErrorOf(cause)?.sqlState
  // SQLSTATEs of a transaction that had to give way to another one.
  if (sqlState === '40P01' || sqlState === '40001')
    return new AppError('CONFLICT', 'gave way to another transaction', { cause })
  // SQLSTATE 42501: row-level security or a guard refused what the code did not.
  if (sqlState === '42501') return new AppError('FORBIDDEN', 'refused by the database', { cause })
  if (error.code === 'PARSE_ERROR' || error.code === 'BAD_REQUEST' || error.code === 'UNSUPPORTED_MEDIA_TYPE')
    return new AppError('BAD_REQUEST', error.message, { detail: 'The body is not what tRPC expects.', cause })
  if (error.code === 'NOT_FOUND' || error.code === 'METHOD_NOT_SUPPORTED')
    return new AppError(error.code === 'NOT_FOUND' ? 'NOT_FOUND' : 'BAD_REQUEST', error.message, {
      detail: error.message,
      cause,
    })
  if (error.code === 'PAYLOAD_TOO_LARGE') return new AppError('PAYLOAD_TOO_LARGE', error.message, { cause })
  return new AppError('INTERNAL', error.message, { cause: cause ?? error })
}

/** The tRPC error for an AppError, with the status that the catalogue gives it. */
export function toTrpcError(error: AppError): TRPCError {
  return new TRPCError({
    code: CODES[ERROR_CATALOGUE[error.code].status],
    message: ERROR_CATALOGUE[error.code].text,
    cause: error,
  })
}

export function answerOf(error: TRPCError, requestId: string): ErrorAnswer {
  return toErrorAnswer(toAppError(error), requestId)
}

function fieldsOf(error: ZodError): Record<string, string[]> {
  const fields: Record<string, string[]> = {}
  for (const issue of error.issues) {
    const path = issue.path.join('.') || 'input'
    const known = fields[path] ?? []
    // A key that is wrong says only that it is; what is wrong with it is inside.
    known.push(
      ...(issue.code === 'invalid_key' ? issue.issues.map((inner) => inner.message) : [issue.message]),
    )
    fields[path] = known
  }
  return fields
}

function isStoreAway(error: unknown): boolean {
  for (let at = error, depth = 0; at && typeof at === 'object' && depth < 5; depth++) {
    const { code, name } = at as { code?: unknown; name?: unknown }
    if (typeof code === 'string' && (AWAY_CODES.has(code) || (/^[0-9A-Z]{5}$/.test(code) && AWAY.test(code))))
      return true
    if (name === 'MaxRetriesPerRequestError') return true
    at = (at as { cause?: unknown }).cause
  }
  const found = databaseErrorOf(error)
  return found !== null && AWAY.test(found.sqlState)
}
