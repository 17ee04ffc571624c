import type { AgentError } from '#contracts/dtma.ts'
import type { ErrorCode } from '#contracts/errors.ts'

/** A call to a toolbox agent that got no good answer. `agentCode` is the agent's own word, when it answered at all. */
export class DtmaError extends Error {
  readonly code: Extract<
    ErrorCode,
    'TOOLBOX_UNREACHABLE' | 'TOOLBOX_BUSY' | 'TOOLBOX_REFUSED' | 'TOOLBOX_INTERNAL' | 'TLS_FAILED'
  >
  /** The connection could not be made, or broke: another one may do. */
  readonly broken: boolean
  readonly agentCode: AgentError['error']['code'] | null

  constructor(
    code: DtmaError['code'],
    message: string,
    options: { agentCode?: DtmaError['agentCode']; cause?: unknown; broken?: boolean } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'DtmaError'
    this.code = code
    this.broken = options.broken ?? false
    this.agentCode = options.agentCode ?? null
  }
}
