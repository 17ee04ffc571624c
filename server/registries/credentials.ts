import { registryHostOf } from '#contracts/registries.ts'
import type { Db } from '#server/db/with-actor.ts'
import { open, type Place } from '#server/secrets/envelope.ts'
import { masterKey } from '#server/secrets/keyring.ts'

export function passwordPlace(host: string): Place {
  return { table: 'registry_credentials', row: host, column: 'password' }
}

/** What pulls an image of a private registry, in clear: for the agent only. Undefined when nothing is kept for its registry. */
export async function credentialsFor(
  db: Db,
  image: string,
): Promise<{ username: string; password: string } | undefined> {
  const row = await db.registryCredential.findUnique({ where: { host: registryHostOf(image) } })
  return row
    ? { username: row.username, password: open(masterKey(), passwordPlace(row.host), row.password) }
    : undefined
}
