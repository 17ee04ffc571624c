import type { UserActor } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'

/** Timers count milliseconds in 31 bits; a key that lasts longer is looked at again after this. */
const LONGEST_MS = 2 ** 31 - 1

/** Calls `onExpired` when the API key that the actor came with expires; never for a session. Call the answer to stop. */
export async function watchExpiry(actor: UserActor, onExpired: () => void): Promise<() => void> {
  const { keyId } = actor
  if (keyId === undefined) return () => undefined
  const key = await withActor(actor, (db) =>
    db.apiKey.findUnique({ where: { id: keyId }, select: { expiresAt: true } }),
  )
  const expiresAt = key?.expiresAt?.getTime()
  if (expiresAt === undefined) return () => undefined
  let timer: NodeJS.Timeout
  const wait = () => {
    const left = expiresAt - Date.now()
    timer = setTimeout(left > LONGEST_MS ? wait : onExpired, Math.min(Math.max(left, 0), LONGEST_MS))
  }
  wait()
  return () => clearTimeout(timer)
}
