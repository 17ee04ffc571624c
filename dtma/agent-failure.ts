import type { AgentError } from '#contracts/dtma.ts'

export type AgentErrorCode = AgentError['error']['code']

/** Status of an answer by its code. NOT_RUNNING is 503: the same request may succeed later. */
export const HTTP_STATUS: Record<AgentErrorCode, number> = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  STALE_FENCE: 409,
  SPEC_NEEDED: 409,
  NOT_RUNNING: 503,
  TOO_LARGE: 413,
  CLOCK_SKEW: 401,
  PROTOCOL_UNSUPPORTED: 426,
  ENROLLMENT_INVALID: 401,
  TOOLBOX_GONE: 410,
  BUSY: 503,
  UPSTREAM_FAILED: 502,
  INTERNAL: 500,
}

/** A refusal that is answered as it is: `message` goes to the caller. */
export class AgentFailure extends Error {
  readonly code: AgentErrorCode
  readonly fence: number | undefined
  constructor(code: AgentErrorCode, message: string, extra: { fence?: number } = {}) {
    super(message)
    this.name = 'AgentFailure'
    this.code = code
    this.fence = extra.fence
  }
}
