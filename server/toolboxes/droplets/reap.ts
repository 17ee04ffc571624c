import type { ReapCandidate } from '#contracts/droplets.ts'
import { recordAudit } from '#server/audit/record.ts'
import { openCloud } from '#server/cloud/open-cloud.ts'
import { CloudError, type CloudProvider } from '#server/cloud/provider.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { logger } from '#server/logger.ts'
import { findLeftovers } from './leftovers.ts'
import { installationTag } from './names.ts'
import { isSetBack, noteTurn, type ReaperTurn } from './witness.ts'

/** Past this share of all that carry the tag an admin is asked first; one alone may always go. */
const MOST_OF_ALL = 0.2
const LEASE_SECONDS = 120

type Reason = 'restored' | 'unknown' | 'many'

interface Turn extends ReaperTurn {
  readonly reason: Reason | null
  readonly shown: string
  readonly keep: ReadonlySet<number>
  readonly destroy: ReadonlySet<number>
}

const ctx = systemCtx('reaper')

/**
 * Destroys, by id, droplets that carry exactly this installation's tag and that no toolbox has: leftovers of a request that nobody
 * waited for. It waits for an admin when the database is older than what was seen before, when there is a droplet that this
 * database cannot have made (its rows are never deleted), and when more than a fifth would go.
 */
export async function reapDroplets(): Promise<void> {
  const cloud = await openCloudIfAny()
  const turn = cloud && (await takeTurn())
  if (!turn) return
  try {
    await reap(cloud, turn)
  } catch (error) {
    if (!(error instanceof CloudError)) throw error
    logger.warn({ err: error }, 'the reaper of droplets could not ask; again at its next turn')
  } finally {
    await withActor(ctx.actor, (db) => db.cloudReaper.updateMany({ data: { leaseExpiresAt: null } }))
  }
}

async function reap(cloud: CloudProvider, turn: Turn): Promise<void> {
  const machines = await cloud.machinesWithTag(installationTag(turn.installationId))
  const leftovers = (await findLeftovers(machines)).filter(({ id }) => !turn.keep.has(id))
  await destroyAll(
    cloud,
    turn,
    leftovers.filter(({ id }) => turn.destroy.has(id)),
  )
  const open = leftovers.filter(({ id }) => !turn.destroy.has(id))
  const reason = await reasonToWait(turn, open, machines.length)
  await setPause(turn, reason, reason ? open : [])
  if (reason !== 'restored') await noteTurn(turn)
  if (reason === null) await destroyAll(cloud, turn, open)
}

/** A pause lasts until an admin has decided; one for what is not there any more ends by itself. */
async function reasonToWait(turn: Turn, open: ReapCandidate[], all: number): Promise<Reason | null> {
  if (turn.reason === 'restored' || (await isSetBack(turn))) return 'restored'
  if (open.some(({ remembered }) => !remembered)) return 'unknown'
  if (open.length === 0) return null
  if (turn.reason !== null) return turn.reason
  return open.length > Math.max(1, Math.floor(all * MOST_OF_ALL)) ? 'many' : null
}

async function destroyAll(cloud: CloudProvider, turn: Turn, candidates: ReapCandidate[]): Promise<void> {
  for (const { id, name, remembered } of candidates) {
    // Written before it is done: what is destroyed without a trace cannot be explained.
    await withActor(ctx.actor, (db) =>
      recordAudit(db, ctx, {
        action: 'droplet.reap',
        subjectType: 'cloud',
        subjectId: String(id),
        detail: { name, remembered, confirmed: turn.destroy.has(id) },
      }),
    )
    await cloud.destroyMachine(id)
  }
}

async function setPause(turn: Turn, reason: Reason | null, candidates: ReapCandidate[]): Promise<void> {
  const shown = JSON.stringify(candidates)
  if (reason === turn.reason && shown === turn.shown) return
  await withActor(ctx.actor, async (db) => {
    await db.$executeRaw`UPDATE cloud_reaper SET reason = ${reason}, candidates = ${shown}::jsonb,
      paused_at = CASE WHEN ${reason}::text IS NULL THEN NULL ELSE coalesce(paused_at, clock_timestamp()) END`
    await emit(db, {
      type: 'cloud.updated',
      subjectId: turn.installationId,
      audience: ['admins'],
      data: { ...(reason && { reason, candidates: candidates.length }) },
    })
  })
}

/** One reaper at a time over all workers; null: it is another's turn. */
async function takeTurn(): Promise<Turn | null> {
  return withActor(ctx.actor, async (db) => {
    await db.cloudReaper.createMany({ data: {}, skipDuplicates: true })
    const taken = await db.$executeRaw`UPDATE cloud_reaper SET turns = turns + 1, ran_at = clock_timestamp(),
        lease_expires_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
      WHERE lease_expires_at IS NULL OR lease_expires_at < clock_timestamp()`
    if (taken === 0) return null
    const row = await db.cloudReaper.findFirstOrThrow()
    const { id: installationId, epoch } = await db.installation.findFirstOrThrow()
    return {
      installationId,
      epoch,
      turns: row.turns,
      reason: row.reason as Reason | null,
      shown: JSON.stringify(row.candidates),
      keep: new Set(row.keepIds.map(Number)),
      destroy: new Set(row.destroyIds.map(Number)),
    }
  })
}

async function openCloudIfAny(): Promise<CloudProvider | null> {
  try {
    return await openCloud()
  } catch (error) {
    if (error instanceof AppError && error.code === 'CLOUD_NOT_CONFIGURED') return null
    throw error
  }
}
