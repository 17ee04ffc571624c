import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'

const LOOPBACK = /^(localhost|127(?:\.\d+){3}|\[::1\])$/

function isLoopback(url: string): boolean {
  return LOOPBACK.test(new URL(url).hostname)
}

/** Whether agents on other machines are told an address that leads to themselves. Not when it was said that they are on this one. */
export function isPublicUrlUseless(): boolean {
  return isLoopback(env.PUBLIC_URL) && !env.ALLOW_LOOPBACK_TOOLBOXES
}

/** Refuses toolboxes that could never enrol. Throws AppError PUBLIC_URL_IS_LOOPBACK, PUBLIC_URL_NOT_HTTPS. */
export function requirePublicUrl(): void {
  if (isPublicUrlUseless())
    throw new AppError('PUBLIC_URL_IS_LOOPBACK', env.PUBLIC_URL, {
      detail: `PUBLIC_URL is ${env.PUBLIC_URL}.`,
    })
  if (!env.PUBLIC_URL.startsWith('https:') && !isLoopback(env.PUBLIC_URL))
    throw new AppError('PUBLIC_URL_NOT_HTTPS', env.PUBLIC_URL, { detail: `PUBLIC_URL is ${env.PUBLIC_URL}.` })
}
