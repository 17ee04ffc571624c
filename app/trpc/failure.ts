import { ERROR_CATALOGUE, ErrorAnswer, type Failure } from '#contracts/errors.ts'

/** What a page needs to show something red: cause, next action, and whether trying again can help. */
export interface ShownFailure {
  code: string
  text: string
  action: string
  retryable: boolean
  fields: Record<string, string[]>
  detail: string | null
  requestId: string | null
  variable: string | null
  exitCode: number | null
}

const UNREACHABLE: ShownFailure = {
  code: 'UNREACHABLE',
  text: 'Toolberth cannot be reached.',
  action: 'Check your connection and that Toolberth is running, then try again.',
  retryable: true,
  fields: {},
  detail: null,
  requestId: null,
  variable: null,
  exitCode: null,
}

/** Reads the typed answer out of an error of the tRPC client; an answer that never came is shown as unreachable. */
export function readFailure(error: unknown): ShownFailure {
  const data = (error as { data?: { toolberth?: unknown } } | null)?.data
  const parsed = ErrorAnswer.safeParse(data?.toolberth)
  if (!parsed.success)
    return { ...UNREACHABLE, detail: error instanceof Error ? error.message.slice(0, 500) : null }
  const { fields = {}, detail = null, ...answer } = parsed.data
  return { ...answer, fields, detail, variable: null, exitCode: null }
}

/** Adds text and action of the catalogue to a failure that a row carries. */
export function describeFailure(failure: Failure): ShownFailure {
  const { text, action, retryable } = ERROR_CATALOGUE[failure.code]
  return { ...failure, text, action, retryable, fields: {}, requestId: null }
}
