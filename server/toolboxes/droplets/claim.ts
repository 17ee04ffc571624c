import { systemCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'

/** Longer than the one or two requests of a step may take. */
const LEASE_SECONDS = 30

export interface DropletClaim {
  readonly toolboxId: string
  readonly fence: number
}

/** Somebody else has taken the droplet over; whatever was about to be written must not be. */
export class DropletClaimLost extends Error {}

export const dropletActor = systemCtx('droplet').actor

/** Takes a droplet whose next step is due, by the database's clock; else how long to wait, or `done` when there is nothing left to do. */
export async function claimDroplet(toolboxId: string): Promise<DropletClaim | { again: number } | 'done'> {
  return withActor(dropletActor, async (db) => {
    const [row] = await db.$queryRaw<{ fence: number }[]>`
      UPDATE droplets SET fence = fence + 1,
        lease_expires_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS}),
        due_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
      WHERE toolbox_id = ${toolboxId}::uuid AND step NOT IN ('ready', 'gone') AND due_at <= clock_timestamp()
        AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())
      RETURNING fence`
    if (row) return { toolboxId, fence: row.fence }
    const [waiting] = await db.$queryRaw<{ ms: number }[]>`
      SELECT greatest(100, 1000 * extract(epoch FROM greatest(due_at, lease_expires_at) - clock_timestamp()))::int AS ms
      FROM droplets WHERE toolbox_id = ${toolboxId}::uuid AND step NOT IN ('ready', 'gone')`
    return waiting ? { again: waiting.ms } : 'done'
  })
}

/** Writes under the claim, which is renewed first and locks the row. Throws DropletClaimLost, and then nothing was written. */
export async function underDropletClaim<T>(claim: DropletClaim, work: (db: Db) => Promise<T>): Promise<T> {
  return withActor(dropletActor, async (db) => {
    const held = await db.$executeRaw`
      UPDATE droplets SET lease_expires_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
      WHERE toolbox_id = ${claim.toolboxId}::uuid AND fence = ${claim.fence} AND lease_expires_at IS NOT NULL`
    if (held === 0) throw new DropletClaimLost(`fence ${claim.fence} of ${claim.toolboxId} was passed`)
    return work(db)
  })
}

/** Gives the droplet back; its next step is due after so many milliseconds. Does nothing when the claim was lost. */
export async function releaseDroplet(claim: DropletClaim, afterMs: number): Promise<void> {
  await withActor(
    dropletActor,
    (db) => db.$executeRaw`
      UPDATE droplets SET lease_expires_at = NULL, due_at = clock_timestamp() + make_interval(secs => ${afterMs / 1000})
      WHERE toolbox_id = ${claim.toolboxId}::uuid AND fence = ${claim.fence}`,
  )
}
