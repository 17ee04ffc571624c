import { type CloudStatus, ReapCandidate } from '#contracts/droplets.ts'
import { readCloudToken } from '#server/cloud/token.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'

/** Whether there is a token, and what the reaper waits for. */
export async function getCloudStatus({ ctx }: { ctx: UserCtx }): Promise<CloudStatus> {
  const tokenSource = await sourceOfToken()
  return withActor(ctx.actor, async (db) => {
    const row = await db.cloudReaper.findFirst()
    return {
      tokenSource,
      ranAt: row?.ranAt?.toISOString() ?? null,
      paused:
        row?.pausedAt && row.reason
          ? {
              since: row.pausedAt.toISOString(),
              reason: row.reason as 'restored' | 'unknown' | 'many',
              candidates: ReapCandidate.array().parse(row.candidates),
            }
          : null,
    }
  })
}

async function sourceOfToken(): Promise<CloudStatus['tokenSource']> {
  try {
    return (await readCloudToken())?.source ?? null
  } catch (error) {
    if (error instanceof AppError && error.code === 'CLOUD_NOT_CONFIGURED') return null
    throw error
  }
}
