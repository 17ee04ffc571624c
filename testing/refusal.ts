import { TRPCError } from '@trpc/server'
import type { ErrorCode } from '#contracts/errors.ts'
import { AppError } from '#server/errors.ts'

export interface Refusal {
  code: ErrorCode
  fields: Record<string, string[]> | undefined
  detail: string | undefined
}

/** What a verb or a procedure was refused with. Fails when it was not refused, or not by one of our own errors. */
export async function refusalOf(work: Promise<unknown>): Promise<Refusal> {
  const error: unknown = await work.then(
    (value) => new Error(`Not refused: ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  )
  const known = error instanceof TRPCError ? error.cause : error
  if (!(known instanceof AppError)) throw error
  return { code: known.code, fields: known.fields, detail: known.detail }
}
