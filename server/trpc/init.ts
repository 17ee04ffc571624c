import { initTRPC } from '@trpc/server'
import superjson from 'superjson'
import type { UserActor } from '#server/context.ts'
import { AppError } from '#server/errors.ts'
import { logger } from '#server/logger.ts'
import type { TrpcContext } from './context.ts'
import { answerOf, toAppError, toTrpcError } from './errors.ts'

/** Who may call a procedure. Every one declares it; there is no default. */
export type Permission = 'signed-in' | 'admin'

export interface Meta {
  permission: Permission
}

const t = initTRPC
  .context<TrpcContext>()
  .meta<Meta>()
  .create({
    transformer: superjson,
    errorFormatter: ({ shape, error, ctx }) => {
      const toolberth = answerOf(error, ctx?.requestId ?? 'none')
      const { stack: _, ...data } = shape.data as typeof shape.data & { stack?: string }
      return { ...shape, message: toolberth.text, data: { ...data, toolberth } }
    },
    sse: {
      ping: { enabled: true, intervalMs: 15_000 },
      client: { reconnectAfterInactivityMs: 40_000 },
    },
  })

export const router = t.router

/** Maps every failure once: the domain's keep their code, unknown ones are logged and never leave with their text. */
const mapErrors = t.middleware(async ({ next, ctx, path }) => {
  const result = await next()
  if (result.ok) return isStream(result.data) ? { ...result, data: mapErrorsOf(result.data) } : result
  const error = toAppError(result.error)
  const level = error.code === 'INTERNAL' ? 'error' : error.code === 'STORE_UNAVAILABLE' ? 'warn' : 'debug'
  logger[level](
    { err: error.cause ?? error, code: error.code, path, requestId: ctx.requestId },
    'procedure failed',
  )
  return { ...result, error: toTrpcError(error) }
})

function isStream(data: unknown): data is AsyncIterable<unknown> {
  return typeof data === 'object' && data !== null && Symbol.asyncIterator in data
}

/** A subscription fails after it was answered; its error needs its own status too, or clients would come back for ever. */
async function* mapErrorsOf(stream: AsyncIterable<unknown>): AsyncGenerator<unknown, void> {
  try {
    yield* stream
  } catch (error) {
    if (error instanceof AppError) throw toTrpcError(error)
    throw error
  }
}

const requirePermission = t.middleware(({ ctx, meta, next }) => {
  const { actor, refusal } = ctx
  if (!meta) throw new AppError('INTERNAL', 'the procedure declares no permission')
  if (refusal !== undefined) throw refusal
  if (!('userId' in actor)) throw new AppError('UNAUTHENTICATED', 'no user')
  if (meta.permission === 'admin' && actor.kind !== 'admin') throw new AppError('FORBIDDEN', 'not an admin')
  const user: UserActor = actor
  return next({ ctx: { ...ctx, actor: user } })
})

/** The only way to begin a procedure: with its permission. */
export function procedure(permission: Permission) {
  return t.procedure.meta({ permission }).use(mapErrors).use(requirePermission)
}
