import { type CloudStatus, type DecideReap, ReapCandidate } from '#contracts/droplets.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { getCloudStatus } from './cloud-status.ts'
import { noteTurn } from './witness.ts'

/**
 * What an admin wants of the droplets that the reaper asked about: those to destroy go at its next turn, those to keep are left
 * alone for good, and it goes on by itself. Throws AppError: CONFLICT when it does not ask (any longer) about exactly these.
 */
export async function decideReap({ ctx, input }: { ctx: UserCtx; input: DecideReap }): Promise<CloudStatus> {
  const turn = await withActor(ctx.actor, async (db) => {
    await db.$queryRaw`SELECT 1 FROM cloud_reaper FOR UPDATE`
    const row = await db.cloudReaper.findFirst()
    const shown = ReapCandidate.array()
      .parse(row?.candidates ?? [])
      .map(({ id }) => id)
    const decided = [...input.destroy, ...input.keep]
    const isComplete =
      decided.length === shown.length && shown.every((id) => decided.filter((one) => one === id).length === 1)
    if (!row?.reason || !isComplete)
      throw new AppError('CONFLICT', 'other candidates than were shown', {
        detail: 'The list has changed since. Look at it again.',
      })
    await db.cloudReaper.updateMany({
      data: {
        pausedAt: null,
        reason: null,
        candidates: [],
        destroyIds: { push: input.destroy.map(BigInt) },
        keepIds: { push: input.keep.map(BigInt) },
      },
    })
    const { id: installationId, epoch } = await db.installation.findFirstOrThrow()
    await emit(db, { type: 'cloud.updated', subjectId: installationId, audience: ['admins'] })
    await recordAudit(db, ctx, {
      action: 'cloud.decideReap',
      subjectType: 'cloud',
      subjectId: 'digitalocean',
      detail: { reason: row.reason, destroy: input.destroy, keep: input.keep },
    })
    return { installationId, epoch, turns: row.turns }
  })
  // From now on this is the database that counts.
  await noteTurn(turn)
  return getCloudStatus({ ctx })
}
