import type { TRPCClientErrorLike } from '@trpc/client'
import type { AppRouter } from '#server/trpc/router.ts'

/** Whether a stream that broke may work when it is opened again: no answer, or one that says "not now". */
export function isWorthRetrying(error: TRPCClientErrorLike<AppRouter>): boolean {
  // A refusal that is not typed comes as EventSource's error event, whose code is the HTTP status.
  const { cause } = error as { cause?: { code?: unknown } }
  const status = error.data?.httpStatus ?? cause?.code
  return typeof status !== 'number' || status >= 500 || status === 408 || status === 429
}
