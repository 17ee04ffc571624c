import type { Db } from '#server/db/with-actor.ts'

export interface Previous {
  instanceId: string
  toolboxId: string
  revisionNumber: number
  /** It stands still for the deployment that goes on, and is to serve again should that fail. */
  suspended: boolean
  /** It answers calls, as far as is known. */
  serves: boolean
}

/** What served before the deployment that goes on, and still does unless it was suspended; null before the first went live. */
export async function loadPrevious(db: Db, serverId: string): Promise<Previous | null> {
  const { desired, toolbox, liveInstance } = await db.mcpServer.findUniqueOrThrow({
    where: { id: serverId },
    select: {
      desired: true,
      toolbox: { select: { state: true } },
      liveInstance: { include: { revision: { select: { number: true } } } },
    },
  })
  if (!liveInstance) return null
  const reachable = toolbox.state === 'active' || toolbox.state === 'draining'
  const wanted = desired === 'running'
  return {
    instanceId: liveInstance.id,
    toolboxId: liveInstance.toolboxId,
    revisionNumber: liveInstance.revision.number,
    suspended: wanted && liveInstance.desired === 'stopped',
    serves: wanted && reachable && liveInstance.desired === 'running' && liveInstance.observed === 'running',
  }
}
