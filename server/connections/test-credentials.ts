import type { CredentialState } from '#contracts/connection-settings.ts'
import { systemCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { type Place, seal } from '#server/secrets/envelope.ts'
import { masterKey } from '#server/secrets/keyring.ts'
import { saveCredentials } from './credentials.ts'
import { openAll, type UserSecrets } from './open-credentials.ts'

/** For how long a test keeps them, while its connection is not made. */
const KEPT_MS = 10 * 60_000

type Kind = CredentialState['kind']

/** Keeps, encrypted, what a connection is tested with before it exists. */
export async function saveTestCredentials(
  db: Db,
  testId: string,
  given: readonly { kind: Kind; name: string; value: string | null }[],
): Promise<void> {
  const key = masterKey()
  await db.connectionTestCredential.createMany({
    data: given.flatMap(({ kind, name, value }) =>
      value === null
        ? []
        : {
            testId,
            kind,
            name,
            ciphertext: Uint8Array.from(seal(key, place(testId, kind, name), value)),
            keyId: key.id,
          },
    ),
  })
}

export async function openTestCredentials(db: Db, testId: string): Promise<UserSecrets> {
  const stored = await db.connectionTestCredential.findMany({ where: { testId } })
  return openAll(stored, ({ kind, name }) => place(testId, kind, name))
}

/** Hands them to the connection that was made of the test, and forgets them here. */
export async function moveTestCredentials(db: Db, testId: string, connectionId: string): Promise<void> {
  const { env, headers } = await openTestCredentials(db, testId)
  const changes = [
    ...Object.entries(env).map(([name, value]) => ({ kind: 'env' as const, name, value })),
    ...Object.entries(headers).map(([name, value]) => ({ kind: 'header' as const, name, value })),
  ]
  await saveCredentials(db, connectionId, changes)
  await db.connectionTestCredential.deleteMany({ where: { testId } })
}

/** Forgets those of tests that no connection was made of in time. */
export async function pruneTestCredentials(): Promise<void> {
  await withActor(systemCtx('reconcile').actor, (db) =>
    db.connectionTestCredential.deleteMany({ where: { createdAt: { lt: new Date(Date.now() - KEPT_MS) } } }),
  )
}

function place(testId: string, kind: Kind, name: string): Place {
  return { table: 'connection_test_credentials', row: `${testId}/${kind}/${name}`, column: 'ciphertext' }
}
