import { z } from 'zod'
import { EnvName } from '#contracts/names.ts'
import { RESERVED_ENV } from '#contracts/reserved-names.ts'

/** The header that carries a user's own variables to the toolbox, over mutual TLS only: base64url of a JSON object of strings. */
export const USER_ENV = 'toolberth-user-env'
/** Characters of it; Node reads no more than 16 KiB of headers unless told. */
const MAX_CHARS = 12_000

const UserEnv = z.record(
  EnvName.refine((name) => !RESERVED_ENV.has(name.toUpperCase()), 'The toolbox sets this itself.'),
  z.string().regex(/^[^\0]*$/, 'A variable ends at its first zero byte.'),
)

/** `null` when there is nothing to carry. Throws an Error when they are too long to be carried. */
export function encodeUserEnv(env: Readonly<Record<string, string>>): string | null {
  const names = Object.keys(env).sort()
  if (names.length === 0) return null
  const sorted = Object.fromEntries(names.map((name) => [name, env[name]]))
  const text = Buffer.from(JSON.stringify(sorted)).toString('base64url')
  if (text.length > MAX_CHARS) throw new Error('The variables of the connection are too long.')
  return text
}

/** Throws an Error in words when it carries anything but variables that a user may set. */
export function decodeUserEnv(text: string | string[] | undefined): Record<string, string> {
  if (text === undefined) return {}
  if (typeof text !== 'string' || text.length > MAX_CHARS) throw new Error(`${USER_ENV} is too long.`)
  const parsed = UserEnv.safeParse(readJson(Buffer.from(text, 'base64url').toString('utf8')))
  // Nothing of what was sent is said again: it is secret.
  if (!parsed.success) throw new Error(`${USER_ENV} carries no variables that a user may set.`)
  return parsed.data
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
