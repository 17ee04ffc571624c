import { createIdentity, type Identity } from '#protocol/identity.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { open, seal } from '#server/secrets/envelope.ts'
import { holds, masterKey } from '#server/secrets/keyring.ts'

/** `worker` may ask an agent for everything, `gateway` for `/mcp` only. */
export type IdentityName = 'worker' | 'gateway'

const loaded = new Map<IdentityName, Promise<Identity>>()

/** The client identity that this installation shows to its toolboxes. Read once a process. Throws when the master key is another one. */
export function loadControlIdentity(name: IdentityName): Promise<Identity> {
  const known = loaded.get(name)
  if (known) return known
  const loading = read(name)
  loaded.set(name, loading)
  loading.catch(() => loaded.delete(name))
  return loading
}

/** Makes the identities that are missing. Idempotent; part of the set-up. */
export async function ensureControlIdentities(): Promise<void> {
  for (const name of ['worker', 'gateway'] as const) {
    const identity = await createIdentity(`toolberth-${name}`)
    const key = masterKey()
    await withActor(systemCtx('setup').actor, (db) =>
      db.controlIdentity.createMany({
        data: {
          name,
          certificate: identity.certificate,
          privateKey: Uint8Array.from(seal(key, place(name), identity.privateKey)),
          keyId: key.id,
        },
        skipDuplicates: true,
      }),
    )
  }
}

/** The certificates that an agent lets in. */
export async function controlCertificates(): Promise<Record<IdentityName, string>> {
  const [worker, gateway] = await Promise.all([loadControlIdentity('worker'), loadControlIdentity('gateway')])
  return { worker: worker.certificate, gateway: gateway.certificate }
}

async function read(name: IdentityName): Promise<Identity> {
  const row = await withActor(systemCtx('identities').actor, (db) =>
    db.controlIdentity.findUniqueOrThrow({ where: { name } }),
  )
  const key = masterKey()
  if (!holds(key, row.keyId))
    throw new Error(
      `The identity "${name}" is sealed with another master key (${row.keyId}) than MASTER_KEY_FILE holds.`,
    )
  return { certificate: row.certificate, privateKey: open(key, place(name), row.privateKey) }
}

function place(name: IdentityName) {
  return { table: 'control_identities', row: name, column: 'private_key' }
}
