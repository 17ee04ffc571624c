import type { CloudProvider } from '#server/cloud/provider.ts'
import { type DropletClaim, underDropletClaim } from './claim.ts'
import { machinesOf, SETTLE_MS } from './create-machine.ts'
import type { DropletRow } from './load.ts'
import { machineName } from './names.ts'
import type { Outcome } from './outcome.ts'
import { moveDroplet } from './transition.ts'

const LOOK_AGAIN_MS = 3_000

/** Destroys droplet and firewall, found by name as well as by id, and ends only when neither is there any more. */
export async function destroyMachine(
  claim: DropletClaim,
  row: DropletRow,
  cloud: CloudProvider,
): Promise<Outcome> {
  const { toolboxId, dropletId, sentAt } = row
  if (sentAt !== null || dropletId !== null) {
    const ids = (await machinesOf(row, cloud)).map(({ id }) => id)
    // Somebody may have taken its tag or changed its name.
    if (dropletId !== null && !ids.includes(dropletId) && (await cloud.machine(dropletId)) !== null)
      ids.push(dropletId)
    for (const id of ids) await cloud.destroyMachine(id)
    if (ids.length > 0) return { again: LOOK_AGAIN_MS }
    // One that was asked for without an answer may still turn up.
    if (dropletId === null && sentAt !== null && Date.now() - sentAt.getTime() < SETTLE_MS)
      return { again: LOOK_AGAIN_MS }
  }
  if (row.firewallSentAt !== null) {
    const firewalls = await cloud.firewallsNamed(machineName(toolboxId))
    for (const { id } of firewalls) await cloud.destroyFirewall(id)
    if (firewalls.length > 0) return { again: LOOK_AGAIN_MS }
  }
  await underDropletClaim(claim, (db) => moveDroplet(db, toolboxId, 'gone', { ipv4: null }))
  return 'next'
}
