import type { ErrorCode, Failure } from '#contracts/errors.ts'
import { AppError, toFailure } from '#server/errors.ts'
import { CloudError, type CloudErrorKind } from './provider.ts'

const CODES = {
  unanswered: 'CLOUD_UNREACHABLE',
  failed: 'CLOUD_UNREACHABLE',
  limited: 'CLOUD_RATE_LIMITED',
  unauthorized: 'CLOUD_UNAUTHORIZED',
  refused: 'CLOUD_REFUSED',
} as const satisfies Record<CloudErrorKind, ErrorCode>

/** What a row keeps of it. */
export function cloudFailure(error: CloudError): Failure {
  return toFailure(CODES[error.kind], { detail: error.message })
}

/** Runs what a person waits for; a CloudError becomes an AppError of the catalogue. */
export async function askingCloud<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof CloudError)) throw error
    throw new AppError(CODES[error.kind], error.message, {
      detail: error.message,
      ...(error.retryAfterMs > 0 && { retryAfter: Math.ceil(error.retryAfterMs / 1000) }),
    })
  }
}
