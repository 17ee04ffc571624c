import { Failure } from '#contracts/errors.ts'
import type { CloudProvider } from '#server/cloud/provider.ts'
import { toFailure } from '#server/errors.ts'
import { type DropletClaim, underDropletClaim } from './claim.ts'
import { machinesOf } from './create-machine.ts'
import type { DropletRow } from './load.ts'
import type { Outcome } from './outcome.ts'
import { moveDroplet } from './transition.ts'

const POLL_MS = 5_000

/** Whether its agent has enrolled and was reached: from then on nothing but deleting the toolbox destroys the droplet. */
export function isUp({ toolbox: { state } }: DropletRow): boolean {
  return state === 'active' || state === 'draining' || state === 'unreachable'
}

/** Waits until the agent on the droplet has enrolled and was reached, or has reported why not; then looks for a droplet too many. */
export async function awaitToolbox(
  claim: DropletClaim,
  row: DropletRow,
  cloud: CloudProvider,
): Promise<Outcome> {
  const { toolboxId, dropletId } = row
  if (isUp(row)) {
    for (const machine of await machinesOf(row, cloud))
      if (machine.id !== dropletId) await cloud.destroyMachine(machine.id)
    await underDropletClaim(claim, (db) => moveDroplet(db, toolboxId, 'ready'))
    return 'next'
  }
  const reported = Failure.safeParse(row.toolbox.failure)
  if (reported.success && reported.data.code === 'TOOLBOX_BOOTSTRAP_FAILED') return { failure: reported.data }
  const machine = dropletId === null ? null : await cloud.machine(dropletId)
  if (machine === null)
    return { failure: toFailure('DROPLET_LOST', { detail: `Droplet ${dropletId} is not there.` }) }
  if (machine.status !== 'active')
    return { failure: toFailure('DROPLET_LOST', { detail: `Droplet ${dropletId} is ${machine.status}.` }) }
  return { again: POLL_MS }
}
