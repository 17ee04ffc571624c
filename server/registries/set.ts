import type { Registry, SetRegistry } from '#contracts/registries.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { seal } from '#server/secrets/envelope.ts'
import { masterKey } from '#server/secrets/keyring.ts'
import { passwordPlace } from './credentials.ts'
import { type RegistryRow, registryView, serversByRegistry } from './list.ts'

/** Keeps the credentials of a registry in place of those it had. What is pulled from now on is pulled with them. */
export async function setRegistry({ ctx, input }: { ctx: UserCtx; input: SetRegistry }): Promise<Registry> {
  const { host, username } = input
  const key = masterKey()
  const password = Uint8Array.from(seal(key, passwordPlace(host), input.password))
  return withActor(ctx.actor, async (db) => {
    // A row that this statement itself inserted has no xmax.
    const [row] = await db.$queryRaw<(RegistryRow & { added: boolean })[]>`
      INSERT INTO registry_credentials (host, username, password, key_id) VALUES (${host}, ${username}, ${password}, ${key.id})
      ON CONFLICT (host) DO UPDATE SET username = excluded.username, password = excluded.password, key_id = excluded.key_id,
        updated_at = now()
      RETURNING id, host, username, created_at AS "createdAt", updated_at AS "updatedAt", xmax = 0 AS added`
    if (!row) throw new Error('The registry was not written.')
    await emit(db, {
      type: 'registry.updated',
      subjectId: row.id,
      audience: ['admins'],
      data: { name: host, state: row.added ? 'added' : 'changed' },
    })
    await recordAudit(db, ctx, {
      action: row.added ? 'registry.create' : 'registry.update',
      subjectType: 'registry',
      subjectId: row.id,
      detail: { host, username },
    })
    return registryView(row, await serversByRegistry(db))
  })
}
