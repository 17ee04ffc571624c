import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'

/** More than anybody waits for. */
const MOST_WAITING = 1_000

let busy = 0
const waiting: (() => void)[] = []

/**
 * Runs a transaction that takes room on a toolbox, in order of arrival. Those for one toolbox go one after another anyway; waiting
 * for its lock, each would hold one of the process's connections, so a third of them is all that they get and the rest stays for
 * everybody else. Not to be called inside a transaction. Throws AppError STORE_UNAVAILABLE when far too many wait.
 */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (waiting.length >= MOST_WAITING)
    throw new AppError('STORE_UNAVAILABLE', `${MOST_WAITING} deployments wait to be accepted`)
  if (busy >= Math.max(1, Math.floor(env.DATABASE_POOL / 3)))
    await new Promise<void>((resolve) => waiting.push(resolve))
  else busy += 1
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    // The turn is handed on, so `busy` stays as it is.
    if (next) next()
    else busy -= 1
  }
}
