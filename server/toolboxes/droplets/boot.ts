import type { CloudProvider } from '#server/cloud/provider.ts'
import { toFailure } from '#server/errors.ts'
import { type DropletClaim, underDropletClaim } from './claim.ts'
import type { DropletRow } from './load.ts'
import type { Outcome } from './outcome.ts'
import { moveDroplet } from './transition.ts'

const POLL_MS = 3_000
/** So long a droplet that was just made may not be found yet. */
const NOT_FOUND_YET_MS = 60_000

/** Waits for the action that makes the droplet, then for its public address. */
export async function bootMachine(
  claim: DropletClaim,
  row: DropletRow,
  cloud: CloudProvider,
): Promise<Outcome> {
  const { toolboxId, dropletId, actionId } = row
  if (dropletId === null) return { failure: toFailure('DROPLET_LOST', { detail: 'Its id is not known.' }) }
  if (actionId !== null) {
    const status = await cloud.action(dropletId, actionId)
    if (status === 'errored')
      return {
        failure: toFailure('DROPLET_ERRORED', { detail: `Action ${actionId} of droplet ${dropletId}` }),
      }
    if (status === 'in-progress') return { again: POLL_MS }
    await underDropletClaim(claim, (db) =>
      db.droplet.update({ where: { toolboxId }, data: { actionId: null } }),
    )
    return 'next'
  }
  const machine = await cloud.machine(dropletId)
  if (machine === null) {
    const young = row.sentAt !== null && Date.now() - row.sentAt.getTime() < NOT_FOUND_YET_MS
    if (young) return { again: POLL_MS }
    return { failure: toFailure('DROPLET_LOST', { detail: `Droplet ${dropletId} is not there.` }) }
  }
  if (machine.status === 'off' || machine.status === 'archive')
    return { failure: toFailure('DROPLET_LOST', { detail: `Droplet ${dropletId} is ${machine.status}.` }) }
  const { ipv4 } = machine
  if (machine.status !== 'active' || ipv4 === null) return { again: POLL_MS }
  await underDropletClaim(claim, (db) => moveDroplet(db, toolboxId, 'securing', { ipv4 }))
  return 'next'
}
