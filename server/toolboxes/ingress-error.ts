import type { AgentError } from '#contracts/dtma.ts'

type Body = AgentError['error']

/** A refusal towards an agent: HTTP status and the body of the agents' protocol. */
export class IngressError extends Error {
  readonly status: number
  readonly body: Body

  constructor(
    status: number,
    code: Body['code'],
    message: string,
    rest: Omit<Body, 'code' | 'message'> = {},
  ) {
    super(message)
    this.name = 'IngressError'
    this.status = status
    this.body = { code, message, ...rest }
  }
}
