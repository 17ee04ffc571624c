import { withActor } from '#server/db/with-actor.ts'
import { dropletActor } from './claim.ts'

export type DropletRow = NonNullable<Awaited<ReturnType<typeof loadDroplet>>>

/** The droplet of a toolbox, its toolbox, and whose it is. */
export async function loadDroplet(toolboxId: string) {
  return withActor(dropletActor, async (db) => {
    const row = await db.droplet.findUnique({
      where: { toolboxId },
      include: { toolbox: { select: { name: true, state: true, failure: true, bootstrap: true } } },
    })
    if (!row) return null
    const { id: installationId } = await db.installation.findFirstOrThrow({ select: { id: true } })
    return {
      ...row,
      dropletId: row.dropletId === null ? null : Number(row.dropletId),
      actionId: row.actionId === null ? null : Number(row.actionId),
      installationId,
    }
  })
}
