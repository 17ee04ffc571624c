import { TRPCClientError } from '@trpc/client'
import { z } from 'zod'
import { ErrorAnswer, type ErrorCode } from '#contracts/errors.ts'
import type { AppRouter } from '#server/trpc/router.ts'

/** What a refusal says: text and next action for people, a code for programs. A newer server may use codes unknown here. */
export type ToolberthErrorAnswer = Omit<ErrorAnswer, 'code'> & { code: ErrorCode | (string & {}) }

const Answer = ErrorAnswer.extend({ code: z.string() })

/** Reads Toolberth's typed answer out of a failed call; null when there is none, as when nothing answered. */
export function toolberthError(error: unknown): ToolberthErrorAnswer | null {
  if (!(error instanceof TRPCClientError)) return null
  const { data } = error as TRPCClientError<AppRouter>
  return Answer.safeParse(data?.toolberth).data ?? null
}

/** Whether a failed call was answered by Toolberth itself, with that code when one is given. */
export function isToolberthError(error: unknown, code?: ErrorCode): error is TRPCClientError<AppRouter> {
  const answer = toolberthError(error)
  return answer !== null && (code === undefined || answer.code === code)
}

/** Whether nothing answered a call, or an answer says that the server is at fault; every other answer is final. */
export function isWorthRetrying(error: unknown): boolean {
  if (!(error instanceof TRPCClientError)) return false
  const { data } = error as TRPCClientError<AppRouter>
  return !data || data.httpStatus >= 500
}
