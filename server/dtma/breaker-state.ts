import { z } from 'zod'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { logger } from '#server/logger.ts'
import { redis, redisKey } from '#server/redis.ts'

/** How long what is kept outlives its time: the next try may take as long before it says whether it goes on. */
const KEEP_MS = 10_000

const BreakerState = z.object({ openUntil: z.number(), cause: z.string() })
/** Milliseconds since 1970 and what the last call ended with. */
export type BreakerState = z.infer<typeof BreakerState>

const keyOf = (toolboxId: string) => redisKey('dtma-breaker', toolboxId)

/** Lets the pages see it, whichever process they come from. Never throws; what is lost costs a line on a page. */
export function noteBreaker(toolboxId: string, state: BreakerState): void {
  const ms = state.openUntil - Date.now() + KEEP_MS
  quietly(redis().set(keyOf(toolboxId), JSON.stringify(state), 'PX', ms))
}

export function forgetBreaker(toolboxId: string): void {
  quietly(redis().del(keyOf(toolboxId)))
}

/** Tells the admins' pages that a toolbox is not called any more, or again. */
export function announceBreaker(toolboxId: string, breaker: 'open' | 'closed'): void {
  const told = withActor(systemCtx('dtma').actor, (db) =>
    emit(db, {
      type: 'toolbox.updated',
      subjectId: toolboxId,
      toolboxId,
      audience: ['admins'],
      data: { breaker },
    }),
  )
  quietly(told)
}

/** Open breakers of these toolboxes, by id; none when Redis is away. */
export async function readBreakers(toolboxIds: readonly string[]): Promise<Map<string, BreakerState>> {
  const states = new Map<string, BreakerState>()
  if (toolboxIds.length === 0) return states
  try {
    const found = await redis().mget(toolboxIds.map(keyOf))
    found.forEach((text, at) => {
      const state = text === null ? null : BreakerState.safeParse(JSON.parse(text))
      const id = toolboxIds[at]
      if (id !== undefined && state?.success) states.set(id, state.data)
    })
  } catch (error) {
    logger.debug({ err: error }, 'breakers not read')
  }
  return states
}

function quietly(work: Promise<unknown>): void {
  work.catch((error: unknown) => logger.debug({ err: error }, 'breaker not noted'))
}
