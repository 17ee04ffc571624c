import type { z } from 'zod'
import { HostMetrics } from '#contracts/dtma.ts'
import { Failure } from '#contracts/errors.ts'
import { Bootstrap, type Toolbox, type ToolboxGet, Upgrade } from '#contracts/toolboxes.ts'
import type { Actor } from '#server/context.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import { withActor } from '#server/db/with-actor.ts'
import { RevisionSpec } from '#server/deployments/spec.ts'
import { IN_PROGRESS } from '#server/deployments/transition.ts'
import { type BreakerState, readBreakers } from '#server/dtma/breaker-state.ts'
import { type AgentPackage, findAgentPackage } from './agent-package.ts'
import { dropletView } from './droplets/view.ts'
import { loadRoom, type ToolboxRoom } from './room.ts'
import { skewOf, VERSION } from './version.ts'

export const TOOLBOX_INCLUDE = {
  droplet: true,
  servers: {
    where: { deletedAt: null },
    orderBy: { name: 'asc' },
    select: {
      id: true,
      name: true,
      observed: true,
      revisions: { orderBy: { number: 'desc' }, take: 1, select: { spec: true } },
      deployments: {
        where: { state: { in: [...IN_PROGRESS] }, toolboxId: { not: null } },
        take: 1,
        select: { toolbox: { select: { id: true, name: true } } },
      },
    },
  },
} satisfies Prisma.ToolboxInclude

type Row = Prisma.ToolboxGetPayload<{ include: typeof TOOLBOX_INCLUDE }>

/** What a row does not know of its toolbox. */
interface Beside {
  room: ToolboxRoom | undefined
  breaker: BreakerState | undefined
  /** The agent that this installation hands out. */
  ours: AgentPackage | null
}

/** A toolbox as pages show it. */
export function toolboxView(row: Row, { room, breaker, ours }: Beside): Toolbox {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    state: row.state,
    url: row.url,
    driver: row.driver,
    isolation: row.isolation,
    agentVersion: row.agentVersion,
    protocolVersion: row.protocolVersion,
    lastHeartbeatAt: row.lastHeartbeatAt?.toISOString() ?? null,
    host: HostMetrics.safeParse(row.host).data ?? null,
    serverCount: row.servers.length,
    memoryCommittedMb: room?.committed.memoryMb ?? 0,
    cpusCommitted: room?.committed.cpus ?? 0,
    room: room?.left ?? null,
    breaker: breaker ? { openUntil: new Date(breaker.openUntil).toISOString(), cause: breaker.cause } : null,
    failure: Failure.safeParse(row.failure).data ?? null,
    draining: row.drainRequestedAt !== null,
    skew: skewOf(row, ours),
    newestAgentVersion: VERSION,
    upgradable: row.kind !== 'local' && row.agentBuild !== null,
    upgrade: Upgrade.safeParse(row.upgrade).data ?? null,
    bootstrap: Bootstrap.safeParse(row.bootstrap).data ?? null,
    droplet: row.droplet && dropletView(row.droplet),
    createdAt: row.createdAt.toISOString(),
  }
}

/** A server as the page of its toolbox lists it. */
export function serverOnToolbox(
  server: Row['servers'][number],
): z.infer<typeof ToolboxGet>['servers'][number] {
  const [revision] = server.revisions
  return {
    id: server.id,
    name: server.name,
    state: server.observed,
    memoryMb: revision ? RevisionSpec.parse(revision.spec).limits.memoryMb : 0,
    movingTo: server.deployments[0]?.toolbox ?? null,
  }
}

/** As `toolboxView`, read anew. */
export async function fetchToolboxView(actor: Actor, id: string): Promise<Toolbox> {
  const [ours, breakers] = await Promise.all([findAgentPackage(), readBreakers([id])])
  return withActor(actor, async (db) => {
    const row = await db.toolbox.findUniqueOrThrow({ where: { id }, include: TOOLBOX_INCLUDE })
    const [room] = await loadRoom(db, { toolboxId: id })
    return toolboxView(row, { room, breaker: breakers.get(id), ours })
  })
}
