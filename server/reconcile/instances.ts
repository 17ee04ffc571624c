import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { DtmaError } from '#server/dtma/errors.ts'
import { convergeInstance } from '#server/instances/converge.ts'
import { logger } from '#server/logger.ts'
import { observeServer } from '#server/mcp-servers/observe.ts'

const actor = systemCtx('reconcile').actor

interface Drifted {
  id: string
  serverId: string
  toolboxId: string
}

/**
 * Mends what is not as it was asked for: instances whose observed state does not fit what is wanted, and that no deployment in
 * progress looks after. Toolboxes go in parallel, so that a dead one delays no other.
 */
export async function reconcileInstances(): Promise<void> {
  await endDrained()
  const drifted = await withActor(
    actor,
    (db) => db.$queryRaw<Drifted[]>`
      SELECT i.id, i.server_id AS "serverId", i.toolbox_id AS "toolboxId" FROM instances i JOIN toolboxes t ON t.id = i.toolbox_id
      WHERE i.gone_at IS NULL AND i.accepted AND t.state IN ('active', 'draining', 'deleting')
        AND NOT EXISTS (SELECT FROM deployments d WHERE d.instance_id = i.id
          AND (d.state IN ('queued', 'preparing', 'starting', 'probing') OR (d.state <> 'live' AND d.cleaned_up_at IS NULL)))
        AND (i.desired = 'absent'
          OR (i.desired = 'stopped' AND i.observed NOT IN ('stopped', 'exited', 'failed'))
          OR (i.desired = 'running' AND i.observed NOT IN ('running', 'backoff', 'failed', 'exited')))
      ORDER BY i.created_at LIMIT 500`,
  )
  const byToolbox = Map.groupBy(drifted, (instance) => instance.toolboxId)
  await Promise.all([...byToolbox.values()].map(convergeAll))
  await endDeletedServers()
}

async function convergeAll(instances: readonly Drifted[]): Promise<void> {
  for (const instance of instances) {
    try {
      await convergeInstance(instance.id)
    } catch (error) {
      if (!(error instanceof DtmaError)) throw error
      logger.info(
        { instanceId: instance.id, code: error.code, detail: error.message },
        'instance not converged yet',
      )
      // The toolbox is away: the others of it would only wait as long.
      if (error.code === 'TOOLBOX_UNREACHABLE') return
    }
  }
}

/** Instances whose successor is live and whose time to end their calls is over. */
async function endDrained(): Promise<void> {
  await withActor(
    actor,
    (db) => db.$executeRaw`
      UPDATE instances SET desired = 'absent' WHERE drain_until < clock_timestamp() AND desired <> 'absent'`,
  )
}

/** Servers that shall be deleted and have nothing left on any toolbox. */
async function endDeletedServers(): Promise<void> {
  await withActor(actor, async (db) => {
    const servers = await db.mcpServer.findMany({
      where: { desired: 'deleted', deletedAt: null },
      select: { id: true },
      take: 200,
    })
    for (const { id } of servers) await observeServer(db, id)
  })
}
