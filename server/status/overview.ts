import type { Overview } from '#contracts/events.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { IN_PROGRESS } from '#server/deployments/transition.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { readRecentEvents } from '#server/events/read.ts'

const RECENT = 20

/** Figures over everything that the actor may see, counted now. */
export async function getOverview({ ctx }: { ctx: UserCtx }): Promise<Overview> {
  return withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const servers = await db.mcpServer.groupBy({ by: ['observed'], where: { deletedAt: null }, _count: true })
    const toolboxes = await db.toolbox.groupBy({
      by: ['state'],
      where: { deletedAt: null },
      _count: true,
    })
    const { agents, connections } = await countOthers(db)
    return {
      cursor,
      servers: tally(servers.map((row) => [row.observed, row._count])),
      toolboxes: tally(toolboxes.map((row) => [row.state, row._count])),
      agents,
      connections: tally(Object.entries(connections)),
      deploymentsInProgress: await db.deployment.count({ where: { state: { in: [...IN_PROGRESS] } } }),
      recent: await readRecentEvents(db, RECENT),
    }
  })
}

async function countOthers(db: Db): Promise<{ agents: number; connections: Record<string, number> }> {
  const [row] = await db.$queryRaw<
    { counts: { agents: number; connections: Record<string, number> } }[]
  >`SELECT app.overview_counts() AS counts`
  return row?.counts ?? { agents: 0, connections: {} }
}

function tally(rows: readonly (readonly [string, number])[]) {
  return { total: rows.reduce((sum, [, n]) => sum + n, 0), byState: Object.fromEntries(rows) }
}
