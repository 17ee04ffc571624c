import { systemCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'

/** How long a claim holds without being renewed; a worker that freezes for longer has lost it. */
export const LEASE_SECONDS = 20

export interface Claim {
  readonly serverId: string
  /** Monotonic per server: who holds a higher one speaks last. */
  readonly fence: number
}

/** The claim was lost to somebody with a higher fence; whatever was about to be written must not be. */
export class ClaimLost extends Error {}

const actor = systemCtx('provision').actor

/** Takes the lease of a server by the database's clock, with the next fence; null while somebody else holds it. */
export async function claimServer(serverId: string): Promise<Claim | null> {
  return withActor(actor, async (db) => {
    const rows = await db.$queryRaw<{ fence: number }[]>`
      UPDATE mcp_servers SET fence = fence + 1, lease_expires_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
      WHERE id = ${serverId}::uuid AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp()) RETURNING fence`
    const [row] = rows
    return row ? { serverId, fence: row.fence } : null
  })
}

/** Writes under the claim: renews it first, which also locks the server's row. Throws ClaimLost, and then nothing was written. */
export async function underClaim<T>(claim: Claim, work: (db: Db) => Promise<T>): Promise<T> {
  return withActor(actor, async (db) => {
    const held = await db.$executeRaw`
      UPDATE mcp_servers SET lease_expires_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
      WHERE id = ${claim.serverId}::uuid AND fence = ${claim.fence} AND lease_expires_at IS NOT NULL`
    if (held === 0) throw new ClaimLost(`fence ${claim.fence} of server ${claim.serverId} was passed`)
    return work(db)
  })
}

/** Lets others take the lease at once. Does nothing when it was lost. */
export async function releaseClaim(claim: Claim): Promise<void> {
  await withActor(
    actor,
    (db) =>
      db.$executeRaw`UPDATE mcp_servers SET lease_expires_at = NULL WHERE id = ${claim.serverId}::uuid AND fence = ${claim.fence}`,
  )
}
