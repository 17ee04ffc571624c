import { createHash, randomBytes } from 'node:crypto'

export type TokenKind = 'tba' | 'tbk' | 'tbe'

/** A token of 256 random bits: `tba_` agents, `tbk_` API keys, `tbe_` enrolments. */
export function newToken(kind: TokenKind): string {
  return `${kind}_${randomBytes(32).toString('base64url')}`
}

/** What is stored of a token. Plain SHA-256 is enough: 256 random bits cannot be guessed. */
export function hashToken(token: string): Buffer<ArrayBuffer> {
  return createHash('sha256').update(token).digest()
}

/** The part that is shown to recognise a token by. */
export function tokenPrefix(token: string): string {
  return token.slice(0, 10)
}
