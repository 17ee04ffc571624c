import type { z } from 'zod'
import { HostMetrics } from '#contracts/dtma.ts'
import { Failure } from '#contracts/errors.ts'
import type { Toolbox, ToolboxGet, ToolboxList } from '#contracts/toolboxes.ts'
import type { UserCtx } from '#server/context.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import { withActor } from '#server/db/with-actor.ts'
import { RevisionSpec } from '#server/deployments/spec.ts'
import { type BreakerState, readBreakers } from '#server/dtma/breaker-state.ts'
import { AppError } from '#server/errors.ts'
import { currentCursor } from '#server/events/cursor.ts'
import { loadRoom, type ToolboxRoom } from './room.ts'

const INCLUDE = {
  servers: {
    where: { deletedAt: null },
    orderBy: { name: 'asc' },
    select: {
      id: true,
      name: true,
      observed: true,
      revisions: { orderBy: { number: 'desc' }, take: 1, select: { spec: true } },
    },
  },
} satisfies Prisma.ToolboxInclude

type Row = Prisma.ToolboxGetPayload<{ include: typeof INCLUDE }>

/** Every toolbox, by name. */
export async function listToolboxes({ ctx }: { ctx: UserCtx }): Promise<z.infer<typeof ToolboxList>> {
  const { cursor, rows, rooms } = await withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const rows = await db.toolbox.findMany({
      where: { state: { not: 'deleting' } },
      orderBy: { name: 'asc' },
      include: INCLUDE,
    })
    const rooms = new Map((await loadRoom(db)).map((room) => [room.id, room]))
    return { cursor, rows, rooms }
  })
  const breakers = await readBreakers(rows.map(({ id }) => id))
  return { cursor, items: rows.map((row) => toolboxView(row, rooms.get(row.id), breakers.get(row.id))) }
}

/** Throws AppError NOT_FOUND. */
export async function getToolbox({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<z.infer<typeof ToolboxGet>> {
  const { cursor, row, room } = await withActor(ctx.actor, async (db) => {
    const cursor = await currentCursor(db)
    const row = await db.toolbox.findUnique({ where: { id: input.id }, include: INCLUDE })
    if (!row) throw new AppError('NOT_FOUND', `no toolbox ${input.id}`)
    const [room] = await loadRoom(db, { toolboxId: input.id })
    return { cursor, row, room }
  })
  const breakers = await readBreakers([row.id])
  return {
    ...toolboxView(row, room, breakers.get(row.id)),
    cursor,
    servers: row.servers.map((server) => ({
      id: server.id,
      name: server.name,
      state: server.observed,
      memoryMb: memoryMb(server),
    })),
  }
}

function toolboxView(row: Row, room: ToolboxRoom | undefined, breaker: BreakerState | undefined): Toolbox {
  const host = HostMetrics.safeParse(row.host)
  const failure = Failure.safeParse(row.failure)
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
    host: host.success ? host.data : null,
    serverCount: row.servers.length,
    memoryCommittedMb: room?.committed.memoryMb ?? 0,
    cpusCommitted: room?.committed.cpus ?? 0,
    room: room?.left ?? null,
    breaker: breaker ? { openUntil: new Date(breaker.openUntil).toISOString(), cause: breaker.cause } : null,
    failure: failure.success ? failure.data : null,
    createdAt: row.createdAt.toISOString(),
  }
}

function memoryMb(server: Row['servers'][number]): number {
  const [revision] = server.revisions
  return revision ? RevisionSpec.parse(revision.spec).limits.memoryMb : 0
}
