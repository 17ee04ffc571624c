import { CloudError, type CloudProvider } from '#server/cloud/provider.ts'
import { toFailure } from '#server/errors.ts'
import { type DropletClaim, underDropletClaim } from './claim.ts'
import type { DropletRow } from './load.ts'
import { machineName } from './names.ts'
import type { Outcome } from './outcome.ts'
import { moveDroplet } from './transition.ts'
import { AGENT_PORT } from './user-data.ts'

/** Puts the cloud's own firewall before the droplet: nothing comes in but calls to the agent, which answers to pinned keys alone. */
export async function secureMachine(
  claim: DropletClaim,
  row: DropletRow,
  cloud: CloudProvider,
): Promise<Outcome> {
  const { toolboxId, dropletId } = row
  if (dropletId === null) return { failure: toFailure('DROPLET_LOST', { detail: 'Its id is not known.' }) }
  const name = machineName(toolboxId)
  if (row.firewallSentAt !== null) {
    const [first, ...others] = await cloud.firewallsNamed(name)
    if (first) {
      await underDropletClaim(claim, (db) =>
        moveDroplet(db, toolboxId, 'installing', { firewallId: first.id }),
      )
      for (const other of others) await cloud.destroyFirewall(other.id)
      return 'next'
    }
  }
  await underDropletClaim(
    claim,
    (db) =>
      db.$executeRaw`UPDATE droplets SET firewall_sent_at = clock_timestamp() WHERE toolbox_id = ${toolboxId}::uuid`,
  )
  try {
    const firewall = await cloud.createFirewall({ name, machineId: dropletId, port: AGENT_PORT })
    await underDropletClaim(claim, (db) =>
      moveDroplet(db, toolboxId, 'installing', { firewallId: firewall.id }),
    )
    return 'next'
  } catch (error) {
    const refused = error instanceof CloudError && error.kind === 'refused'
    // A name that is taken is that of an earlier try whose answer was lost.
    if (refused && (await cloud.firewallsNamed(name)).length > 0) return 'next'
    throw error
  }
}
