import { systemCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { withActor } from '#server/db/with-actor.ts'
import { open, seal } from './envelope.ts'
import { masterKey } from './keyring.ts'

interface Store {
  table: string
  column: string
  /** SQL for the `row` of a value's place. */
  row: string
}

/** Every table with sealed values. */
const STORES: readonly Store[] = [
  { table: 'control_identities', column: 'private_key', row: 'name' },
  { table: 'settings', column: 'ciphertext', row: 'name' },
  { table: 'registry_credentials', column: 'password', row: 'host' },
  { table: 'revision_env', column: 'ciphertext', row: `revision_id || '/' || name` },
  { table: 'revision_headers', column: 'ciphertext', row: `revision_id || '/' || name` },
  {
    table: 'connection_credentials',
    column: 'ciphertext',
    row: `connection_id || '/' || kind::text || '/' || name`,
  },
]
/** Nobody may change these; they are gone ten minutes after their test. */
const SHORT_LIVED = 'connection_test_credentials'
/** Values sealed anew in one transaction: it locks their rows. */
const BATCH = 100

const actor = systemCtx('rotate-key').actor

/**
 * Seals everything under the present master key that is sealed under an earlier one, table by table in batches. Each batch is
 * whole by itself: what breaks off goes on where it was. Calls `onBatch` after each.
 */
export async function resealAll(onBatch: (table: string, count: number) => void): Promise<void> {
  for (const store of STORES) {
    let count = 0
    do {
      count = await resealBatch(store)
      if (count > 0) onBatch(store.table, count)
    } while (count === BATCH)
  }
}

async function resealBatch({ table, column, row }: Store): Promise<number> {
  const key = masterKey()
  const earlier = key.earlier.map(({ id }) => id)
  const [from, value, place] = [table, column, row].map((text) => Prisma.raw(text)) as [
    Prisma.Sql,
    Prisma.Sql,
    Prisma.Sql,
  ]
  return withActor(actor, async (db) => {
    const found = await db.$queryRaw<{ row: string; sealed: Uint8Array }[]>`
      SELECT ${place} AS row, ${value} AS sealed FROM ${from} WHERE key_id = ANY(${earlier}::text[])
      ORDER BY 1 LIMIT ${BATCH} FOR UPDATE`
    if (found.length === 0) return 0
    const fresh = found.map((one) => {
      const at = { table, row: one.row, column }
      return seal(key, at, open(key, at, one.sealed)).toString('base64')
    })
    const rows = found.map((one) => one.row)
    await db.$executeRaw`
      UPDATE ${from} SET ${value} = decode(fresh.sealed, 'base64'), key_id = ${key.id}
      FROM unnest(${rows}::text[], ${fresh}::text[]) AS fresh(row, sealed) WHERE ${place} = fresh.row`
    return found.length
  })
}

/** How many values of each table are sealed under which key. */
export async function countSealed(): Promise<{ table: string; keyId: string; count: number }[]> {
  const tables = [...STORES.map(({ table }) => table), SHORT_LIVED]
  return withActor(actor, async (db) => {
    const counts = []
    for (const table of tables) {
      const rows = await db.$queryRaw<{ keyId: string; count: number }[]>`
        SELECT key_id AS "keyId", count(*)::int AS count FROM ${Prisma.raw(table)} GROUP BY 1 ORDER BY 1`
      counts.push(...rows.map((one) => ({ table, ...one })))
    }
    return counts
  })
}
