import type { Failure } from '#contracts/errors.ts'
import type { ProbeFailure } from '#contracts/probe.ts'
import { toFailure } from '#server/errors.ts'

/** A probe's verdict as rows keep it: its sentence and its technical detail in one text. */
export function probeFailure({ code, message, detail, exitCode }: ProbeFailure): Failure {
  return toFailure(code, { detail: detail ? `${message} ${detail}` : message, exitCode: exitCode ?? null })
}
