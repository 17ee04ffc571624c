import type { Actor } from '#server/context.ts'

/** What a procedure's context starts from; transports make it. */
export interface TrpcContext {
  readonly actor: Actor
  readonly requestId: string
  /** Why the request gets no further than its permission, such as a bad API key. */
  readonly refusal?: Error
}
