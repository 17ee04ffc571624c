import { type Env, env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'

const LOOPBACK = /^(localhost|127(?:\.\d+){3}|\[::1\])$/

type Settings = Pick<Env, 'PUBLIC_URL' | 'ALLOW_LOOPBACK_TOOLBOXES'>

/** Whether agents on other machines are told an address that leads to themselves. Not when it was said that they are on this one. */
export function isPublicUrlUseless(settings: Settings = env): boolean {
  return isLoopback(settings.PUBLIC_URL) && !settings.ALLOW_LOOPBACK_TOOLBOXES
}

/** Refuses toolboxes that could never enrol. Throws AppError PUBLIC_URL_IS_LOOPBACK, PUBLIC_URL_NOT_HTTPS. */
export function requirePublicUrl(settings: Settings = env): void {
  const { PUBLIC_URL } = settings
  const detail = `PUBLIC_URL is ${PUBLIC_URL}.`
  if (isPublicUrlUseless(settings)) throw new AppError('PUBLIC_URL_IS_LOOPBACK', PUBLIC_URL, { detail })
  if (!PUBLIC_URL.startsWith('https:') && !isLoopback(PUBLIC_URL))
    throw new AppError('PUBLIC_URL_NOT_HTTPS', PUBLIC_URL, { detail })
}

function isLoopback(url: string): boolean {
  return LOOPBACK.test(new URL(url).hostname)
}
