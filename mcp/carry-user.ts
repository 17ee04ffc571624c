import { encodeUserEnv, USER_ENV } from './user-env.ts'
import { encodeUserHeaders, USER_HEADERS } from './user-headers.ts'

/** What a user has given for a server, in clear. */
export type UserGiven = { headers: Record<string, string>; env: Record<string, string> }

/** The headers that carry it to a toolbox, over mutual TLS only; none where there is nothing. Throws an Error when it is too long. */
export function carryUser({ headers, env }: UserGiven): Record<string, string> {
  const [carriedHeaders, carriedEnv] = [encodeUserHeaders(headers), encodeUserEnv(env)]
  return {
    ...(carriedHeaders !== null && { [USER_HEADERS]: carriedHeaders }),
    ...(carriedEnv !== null && { [USER_ENV]: carriedEnv }),
  }
}
