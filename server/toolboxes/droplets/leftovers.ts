import type { ReapCandidate } from '#contracts/droplets.ts'
import type { Machine } from '#server/cloud/provider.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { dropletActor } from './claim.ts'
import { toolboxOfMachine } from './names.ts'

/** Younger ones may be about to be written into their row. */
export const GRACE_MS = 15 * 60_000

/** Those of this installation's machines that no toolbox has, and that have had time to get one. */
export async function findLeftovers(
  machines: readonly Machine[],
  now = Date.now(),
): Promise<ReapCandidate[]> {
  const rows = await withActor(dropletActor, (db) => rowsFor(db, machines))
  return machines.flatMap((machine) => {
    const named = rows.find(({ toolboxId }) => toolboxId === toolboxOfMachine(machine.name))
    const owners = rows.filter(({ dropletId }) => dropletId === BigInt(machine.id))
    const isHad = owners.some(({ step }) => step !== 'gone')
    // Whoever makes or destroys it now finds it by its name.
    const isLookedFor = named?.step === 'creating' || named?.step === 'destroying'
    if (isHad || isLookedFor || machine.createdAt.getTime() > now - GRACE_MS) return []
    return [
      {
        id: machine.id,
        name: machine.name,
        createdAt: machine.createdAt.toISOString(),
        region: machine.region,
        size: machine.size,
        remembered: named !== undefined || owners.length > 0,
      },
    ]
  })
}

function rowsFor(db: Db, machines: readonly Machine[]) {
  const toolboxIds = machines.flatMap(({ name }) => toolboxOfMachine(name) ?? [])
  return db.droplet.findMany({
    where: {
      OR: [{ toolboxId: { in: toolboxIds } }, { dropletId: { in: machines.map(({ id }) => BigInt(id)) } }],
    },
    select: { toolboxId: true, dropletId: true, step: true },
  })
}
