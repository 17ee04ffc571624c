import { type Failure, Failure as FailureSchema } from '#contracts/errors.ts'
import { cloudFailure } from '#server/cloud/failure.ts'
import { openCloud } from '#server/cloud/open-cloud.ts'
import { CloudError, type CloudProvider } from '#server/cloud/provider.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { AppError, toFailure } from '#server/errors.ts'
import { bootMachine } from './boot.ts'
import {
  claimDroplet,
  type DropletClaim,
  DropletClaimLost,
  releaseDroplet,
  underDropletClaim,
} from './claim.ts'
import { createMachine } from './create-machine.ts'
import { destroyMachine } from './destroy-machine.ts'
import { failDroplet } from './fail.ts'
import { awaitToolbox, isUp } from './install.ts'
import { type DropletRow, loadDroplet } from './load.ts'
import type { Outcome } from './outcome.ts'
import { secureMachine } from './secure.ts'
import { timedOut } from './timed-out.ts'
import { announceDroplet, moveDroplet } from './transition.ts'

/** What a step says to the queue: come again after so many milliseconds, or nothing is left to do. */
export type Step = { again: number } | 'done'

const NEXT_MS = 50
/** After a request that failed; 401 waits for a person. */
const AGAIN_MS = { unanswered: 3_000, failed: 3_000, limited: 5_000, unauthorized: 15_000, refused: 15_000 }
const LONGEST_WAIT_MS = 5 * 60_000

const STEPS = {
  creating: createMachine,
  booting: bootMachine,
  securing: secureMachine,
  installing: awaitToolbox,
  destroying: destroyMachine,
} satisfies Record<string, (claim: DropletClaim, row: DropletRow, cloud: CloudProvider) => Promise<Outcome>>

/**
 * One step of making or destroying the droplet of a toolbox: takes the claim, sends at most one request that changes something,
 * gives the claim back. What is wanted is written before it is asked for, so a step that broke off anywhere is taken up again by
 * whoever comes next, and never makes a second droplet.
 */
export async function advanceDroplet({ toolboxId }: { toolboxId: string }): Promise<Step> {
  const claim = await claimDroplet(toolboxId)
  if (claim === 'done' || 'again' in claim) return claim
  let wait = NEXT_MS
  try {
    const row = await loadDroplet(toolboxId)
    const outcome = row ? await take(claim, row) : 'next'
    wait = outcome === 'next' ? NEXT_MS : outcome.again
  } catch (error) {
    if (!(error instanceof DropletClaimLost)) throw error
  } finally {
    await releaseDroplet(claim, wait)
  }
  const after = await loadDroplet(toolboxId)
  return !after || after.step === 'ready' || after.step === 'gone' ? 'done' : { again: wait }
}

async function take(claim: DropletClaim, row: DropletRow): Promise<'next' | { again: number }> {
  const { step } = row
  if (step === 'ready' || step === 'gone') return 'next'
  if (step !== 'destroying') {
    if (row.toolbox.state === 'deleting') {
      await underDropletClaim(claim, (db) => moveDroplet(db, row.toolboxId, 'destroying'))
      return 'next'
    }
    if (!isUp(row) && row.deadlineAt.getTime() < Date.now()) return fail(claim, row, timedOut(row))
  }
  try {
    const outcome = await STEPS[step](claim, row, await openCloud())
    if (outcome !== 'next' && 'failure' in outcome) return await fail(claim, row, outcome.failure)
    if (outcome !== 'next' && row.trouble !== null) await noteTrouble(claim, row, null)
    return outcome
  } catch (error) {
    if (error instanceof CloudError) return afterCloudError(claim, row, error)
    if (error instanceof AppError && error.code === 'CLOUD_NOT_CONFIGURED') {
      await noteTrouble(claim, row, toFailure(error.code, { detail: error.detail ?? null }))
      return { again: AGAIN_MS.unauthorized }
    }
    throw error
  }
}

async function afterCloudError(
  claim: DropletClaim,
  row: DropletRow,
  error: CloudError,
): Promise<'next' | { again: number }> {
  const failure = cloudFailure(error)
  const nothingThere = row.sentAt === null && row.dropletId === null
  // Where nothing was made yet a wrong token is told at once; later it may be being replaced, and what was made has to be kept track of.
  const definitive = error.kind === 'refused' || (error.kind === 'unauthorized' && nothingThere)
  if (definitive && row.step !== 'destroying') return fail(claim, row, failure)
  await noteTrouble(claim, row, failure)
  return { again: Math.min(Math.max(error.retryAfterMs, AGAIN_MS[error.kind]), LONGEST_WAIT_MS) }
}

async function fail(
  claim: DropletClaim,
  row: DropletRow,
  failure: Failure,
): Promise<'next' | { again: number }> {
  if (await failDroplet(claim, row, failure)) return 'next'
  // Its toolbox is in use meanwhile: that it is not as it should be is told, and it is tried again.
  await noteTrouble(claim, row, failure)
  return { again: AGAIN_MS.refused }
}

async function noteTrouble(claim: DropletClaim, row: DropletRow, failure: Failure | null): Promise<void> {
  const known = FailureSchema.safeParse(row.trouble)
  if (failure !== null && known.success && known.data.detail === failure.detail) return
  await underDropletClaim(claim, async (db) => {
    await db.droplet.updateMany({
      where: { toolboxId: row.toolboxId, step: row.step },
      data: { trouble: failure ?? Prisma.DbNull },
    })
    await announceDroplet(db, row.toolboxId)
  })
}
