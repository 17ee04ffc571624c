import type { AuthDemand, ProbeFailureCode } from '#contracts/probe.ts'

/** What is wrong, in words and by code; at which stage and whether for good follows from where it is thrown and from the code. */
export interface Verdict {
  code: ProbeFailureCode
  message: string
  detail?: string | undefined
  httpStatus?: number | undefined
  auth?: AuthDemand | undefined
  /** Where a redirect leads. */
  location?: string | undefined
}

/** A probe that came to its verdict. */
export class ProbeError extends Error {
  readonly verdict: Verdict
  constructor(verdict: Verdict) {
    super(verdict.message)
    this.name = 'ProbeError'
    this.verdict = verdict
  }
}
