import { z } from 'zod'
import { HeaderName } from '#contracts/names.ts'
import { isReservedHeader } from '#contracts/reserved-names.ts'

/** The header that carries a user's own headers to the toolbox, over mutual TLS only: base64url of a JSON object of strings. */
export const USER_HEADERS = 'toolberth-user-headers'
/** Characters of it; Node reads no more than 16 KiB of headers unless told. */
const MAX_CHARS = 12_000

const UserHeaders = z.record(
  HeaderName.refine((name) => !isReservedHeader(name), 'This header is set by the protocol.'),
  z.string().regex(/^[\t\x20-\x7e]*$/, 'A header has printable ASCII only.'),
)

/** `null` when there is nothing to carry. Throws an Error when they are too long to be carried. */
export function encodeUserHeaders(headers: Readonly<Record<string, string>>): string | null {
  if (Object.keys(headers).length === 0) return null
  const text = Buffer.from(JSON.stringify(headers)).toString('base64url')
  if (text.length > MAX_CHARS) throw new Error('The headers of the connection are too long.')
  return text
}

/** Names in lower case. Throws an Error in words when it carries anything but headers that a user may set. */
export function decodeUserHeaders(text: string | string[] | undefined): Record<string, string> {
  if (text === undefined) return {}
  if (typeof text !== 'string' || text.length > MAX_CHARS) throw new Error(`${USER_HEADERS} is too long.`)
  const parsed = UserHeaders.safeParse(readJson(Buffer.from(text, 'base64url').toString('utf8')))
  // Nothing of what was sent is said again: it is secret.
  if (!parsed.success) throw new Error(`${USER_HEADERS} carries no headers that a user may set.`)
  return Object.fromEntries(Object.entries(parsed.data).map(([name, value]) => [name.toLowerCase(), value]))
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
