import type { DesiredServerState, ServerState } from '#contracts/servers.ts'
import type { Db } from '#server/db/with-actor.ts'
import { moveServer } from './transition.ts'

interface Facts {
  desired: DesiredServerState
  toolboxReachable: boolean
  deploying: boolean
  /** The live instance, or null before the first deployment has gone live. */
  live: { observed: string; goneAt: Date | null } | null
  /** Instances that are not confirmed gone. */
  remaining: number
}

/** The one place where a server's state follows from what is known of its instances. */
export function serverStateOf(facts: Facts): ServerState {
  if (facts.desired === 'deleted') return 'deleting'
  if (!facts.toolboxReachable && facts.live) return 'unreachable'
  if (!facts.live) return facts.deploying ? 'deploying' : facts.desired === 'stopped' ? 'stopped' : 'failed'
  const { observed } = facts.live
  // It stands aside for its successor, or has not begun to serve again.
  if (facts.deploying && facts.desired === 'running' && (observed === 'stopping' || observed === 'stopped'))
    return 'deploying'
  if (facts.desired === 'stopped')
    return observed === 'stopped' || observed === 'exited' || observed === 'failed' || observed === 'absent'
      ? 'stopped'
      : 'stopping'
  switch (observed) {
    case 'running':
      return 'running'
    case 'backoff':
      return 'degraded'
    case 'failed':
    case 'exited':
    case 'absent':
      return 'failed'
    default:
      return 'starting'
  }
}

/** Lets a server's observed state follow its instances; a deleted one ends when the last instance is gone. */
export async function observeServer(db: Db, serverId: string): Promise<void> {
  const server = await db.mcpServer.findUnique({
    where: { id: serverId },
    select: {
      desired: true,
      deletedAt: true,
      toolbox: { select: { state: true } },
      liveInstance: { select: { observed: true, goneAt: true, failure: true } },
      _count: {
        select: {
          instances: { where: { goneAt: null, accepted: true } },
          deployments: { where: { state: { in: ['queued', 'preparing', 'starting', 'probing'] } } },
        },
      },
    },
  })
  if (!server || server.deletedAt) return
  const remaining = server._count.instances
  const deploying = server._count.deployments > 0
  const state = serverStateOf({
    desired: server.desired,
    toolboxReachable: server.toolbox.state !== 'unreachable',
    deploying,
    live: server.liveInstance,
    remaining,
  })
  const failed = server.liveInstance?.failure as { code?: string } | null | undefined
  await moveServer(db, serverId, {
    observed: state,
    ...(server.liveInstance && {
      failureCode: state === 'failed' || state === 'degraded' ? (failed?.code ?? 'SERVER_EXITED') : null,
    }),
    ...(server.desired === 'deleted' && remaining === 0 && !deploying && { deletedAt: new Date() }),
  })
}
