import type { AgentError } from '#contracts/dtma.ts'
import type { ErrorCode } from '#contracts/errors.ts'

/** A call to a toolbox agent that got no good answer. `agentCode` is the agent's own word, when it answered at all. */
export class DtmaError extends Error {
  readonly code: Extract<
    ErrorCode,
    'TOOLBOX_UNREACHABLE' | 'TOOLBOX_REFUSED' | 'TOOLBOX_INTERNAL' | 'TLS_FAILED'
  >
  readonly agentCode: AgentError['error']['code'] | null

  constructor(
    code: DtmaError['code'],
    message: string,
    options: { agentCode?: DtmaError['agentCode']; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'DtmaError'
    this.code = code
    this.agentCode = options.agentCode ?? null
  }
}
