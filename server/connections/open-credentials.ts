import type { CredentialState } from '#contracts/connection-settings.ts'
import type { UserGiven } from '#mcp/carry-user.ts'
import { open } from '#server/secrets/envelope.ts'
import { masterKey } from '#server/secrets/keyring.ts'
import { credentialPlace } from './credentials.ts'

/** A user's own values at one server, in clear: for the way to the toolbox only. */
export type UserSecrets = UserGiven

interface Stored {
  kind: CredentialState['kind']
  name: string
  ciphertext: Uint8Array
}

/** Opens the credentials of a connection. Throws when they were sealed by another master key or for another connection. */
export function openCredentials(connectionId: string, stored: readonly Stored[]): UserSecrets {
  return openAll(stored, ({ kind, name }) => credentialPlace(connectionId, kind, name))
}

/** The same for any place that they are kept in. */
export function openAll(
  stored: readonly Stored[],
  place: (one: Stored) => ReturnType<typeof credentialPlace>,
): UserSecrets {
  const secrets: UserSecrets = { env: {}, headers: {} }
  if (stored.length === 0) return secrets
  const key = masterKey()
  for (const one of stored) {
    const into = one.kind === 'env' ? secrets.env : secrets.headers
    into[one.name] = open(key, place(one), one.ciphertext)
  }
  return secrets
}
