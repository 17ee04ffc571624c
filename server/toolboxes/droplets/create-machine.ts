import { CloudError, type CloudProvider, type Machine } from '#server/cloud/provider.ts'
import { env } from '#server/env.ts'
import { toFailure } from '#server/errors.ts'
import { logger } from '#server/logger.ts'
import { installScript } from '#server/toolboxes/install-script.ts'
import { type DropletClaim, DropletClaimLost, underDropletClaim } from './claim.ts'
import { dropletToken, ensureDropletToken } from './enrolment.ts'
import { type DropletRow, loadDroplet } from './load.ts'
import { installationTag, machineName, TAG } from './names.ts'
import type { Outcome } from './outcome.ts'
import { moveDroplet } from './transition.ts'
import { composeUserData } from './user-data.ts'

/** So long a droplet whose creation was never answered may take to show up in the list; only then it is asked for again. */
export const SETTLE_MS = 30_000
const LOOK_AGAIN_MS = 3_000
/** Requests to create that nobody answered, before it is given up. */
const MAX_SENDS = 3

/**
 * Asks for the droplet, unless that was done before and nobody knows what came of it: then it is looked for by its exact name
 * first. Of several the oldest is kept.
 */
export async function createMachine(
  claim: DropletClaim,
  row: DropletRow,
  cloud: CloudProvider,
): Promise<Outcome> {
  if (row.sentAt === null) return send(claim, row, cloud)
  const found = await machinesOf(row, cloud)
  const [oldest, ...others] = found
  if (oldest) {
    await underDropletClaim(claim, (db) =>
      moveDroplet(db, row.toolboxId, 'booting', { dropletId: oldest.id, actionId: null }),
    )
    for (const other of others) await cloud.destroyMachine(other.id)
    return 'next'
  }
  if (Date.now() - row.sentAt.getTime() < SETTLE_MS) return { again: LOOK_AGAIN_MS }
  if (row.sends < MAX_SENDS) return send(claim, row, cloud)
  return {
    failure: toFailure('CLOUD_UNREACHABLE', {
      detail: `The droplet was asked for ${row.sends} times, and nobody answered.`,
    }),
  }
}

/** Every droplet of this toolbox, oldest first: of this installation's tag and exactly this name. */
export async function machinesOf(row: DropletRow, cloud: CloudProvider): Promise<Machine[]> {
  const name = machineName(row.toolboxId)
  const machines = await cloud.machinesWithTag(installationTag(row.installationId))
  return machines
    .filter((machine) => machine.name === name)
    .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || a.id - b.id)
}

async function send(claim: DropletClaim, row: DropletRow, cloud: CloudProvider): Promise<Outcome> {
  const { toolboxId } = row
  const token = dropletToken(toolboxId, row.attempt)
  const { sha256 } = await installScript()
  const userData = composeUserData({
    controlPlaneUrl: new URL(env.PUBLIC_URL).origin,
    token,
    installerSha256: sha256,
  })
  // Written before it is sent: whoever finds this without an id has to look for the droplet.
  await underDropletClaim(claim, async (db) => {
    await ensureDropletToken(db, row, token)
    await db.$executeRaw`UPDATE droplets SET sent_at = clock_timestamp(), sends = sends + 1 WHERE toolbox_id = ${toolboxId}::uuid`
  })
  let created: { machine: Machine; actionId: number | null }
  try {
    created = await cloud.createMachine({
      name: machineName(toolboxId),
      region: row.region,
      size: row.size,
      image: row.image,
      tags: [TAG, installationTag(row.installationId)],
      userData,
    })
  } catch (error) {
    const nothingDone =
      error instanceof CloudError &&
      (error.kind === 'refused' || error.kind === 'limited' || error.kind === 'unauthorized')
    if (nothingDone)
      await underDropletClaim(claim, (db) =>
        db.droplet.update({ where: { toolboxId }, data: { sentAt: row.sentAt, sends: row.sends } }),
      )
    throw error
  }
  try {
    await underDropletClaim(claim, (db) =>
      moveDroplet(db, toolboxId, 'booting', { dropletId: created.machine.id, actionId: created.actionId }),
    )
  } catch (error) {
    if (error instanceof DropletClaimLost) await dropStray(row, created.machine, cloud)
    throw error
  }
  return 'next'
}

/** The answer came when somebody else had taken over already: destroys what was made, unless they have taken to it or still look. */
async function dropStray(row: DropletRow, machine: Machine, cloud: CloudProvider): Promise<void> {
  const now = await loadDroplet(row.toolboxId)
  if (now?.dropletId === machine.id || now?.step === 'creating') return
  logger.warn(
    { toolboxId: row.toolboxId, dropletId: machine.id },
    'a droplet that was made too late is destroyed',
  )
  await cloud.destroyMachine(machine.id)
}
