import { AsyncLocalStorage } from 'node:async_hooks'
import type { Actor } from '#server/context.ts'
import { prisma } from './client.ts'
import type { Prisma } from './generated/client.ts'

/** The client of a transaction that runs as one actor. */
export type Db = Prisma.TransactionClient

interface Running {
  readonly actor: Actor
  readonly db: Db
  readonly afterCommit: (() => void | Promise<void>)[]
}

const running = new AsyncLocalStorage<Running>()

export interface TransactionOptions {
  /** Milliseconds for the whole transaction; the database ends it at 10 s at the latest. */
  timeout?: number
}

/**
 * Runs `work` in one interactive transaction as `actor`: any throw leaves no row. Inside a running transaction it joins under the
 * same actor and throws under another one (a nested transaction would keep the outer actor, or wait for the pool for ever).
 * Nothing remote belongs inside.
 */
export async function withActor<T>(
  actor: Actor,
  work: (db: Db) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const outer = running.getStore()
  if (outer) {
    if (!sameActor(outer.actor, actor)) throw new Error('A transaction runs as another actor already.')
    return work(outer.db)
  }
  const afterCommit: Running['afterCommit'] = []
  const result = await prisma().$transaction(
    async (db) => {
      const id = 'userId' in actor ? actor.userId : ''
      await db.$executeRaw`SELECT set_config('app.actor_kind', ${actor.kind}, true), set_config('app.actor_id', ${id}, true)`
      return running.run({ actor, db, afterCommit }, () => work(db))
    },
    { maxWait: 8_000, timeout: options.timeout ?? 9_000 },
  )
  for (const hook of afterCommit) await hook()
  return result
}

/** Runs after the current transaction has committed, not at all when it does not. Throws outside of one. */
export function afterCommit(hook: () => void | Promise<void>): void {
  const store = running.getStore()
  if (!store) throw new Error('There is no transaction to run after.')
  store.afterCommit.push(hook)
}

function sameActor(a: Actor, b: Actor): boolean {
  if (a.kind !== b.kind) return false
  if ('userId' in a && 'userId' in b) return a.userId === b.userId
  if (a.kind === 'system' && b.kind === 'system') return a.name === b.name
  return true
}
