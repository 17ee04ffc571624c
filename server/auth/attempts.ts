import { createHash } from 'node:crypto'
import { AppError } from '#server/errors.ts'
import { redis, redisKey } from '#server/redis.ts'

/** Failed sign-ins that are let through for one address or one client within the window. */
const MAX_PER_EMAIL = 5
const MAX_PER_CLIENT = 20
const WINDOW_SECONDS = 15 * 60

/** Throws AppError TOO_MANY_ATTEMPTS with the seconds to wait. Counted before the password is looked at, so that guesses in parallel count. */
export async function takeSignInAttempt(email: string, client: string): Promise<void> {
  const counts = await Promise.all([
    count(emailKey(email), MAX_PER_EMAIL),
    count(clientKey(client), MAX_PER_CLIENT),
  ])
  const retryAfter = Math.max(...counts)
  if (retryAfter > 0) throw new AppError('TOO_MANY_ATTEMPTS', 'sign-in limited', { retryAfter })
}

/** A sign-in that succeeded forgets the failed ones of its address, and itself for its client: many users may share one. */
export async function forgetSignInAttempts(email: string, client: string): Promise<void> {
  await redis().multi().del(emailKey(email)).decr(clientKey(client)).exec()
}

async function count(key: string, most: number): Promise<number> {
  const answers = await redis().multi().incr(key).expire(key, WINDOW_SECONDS, 'NX').ttl(key).exec()
  const made = Number(answers?.[0]?.[1])
  const ttl = Number(answers?.[2]?.[1])
  return made > most ? Math.max(1, ttl) : 0
}

function clientKey(client: string): string {
  return redisKey('sign-in', 'client', createHash('sha256').update(client).digest('hex'))
}

function emailKey(email: string): string {
  return redisKey('sign-in', 'email', createHash('sha256').update(email.toLowerCase()).digest('hex'))
}
