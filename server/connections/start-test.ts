import type { ConnectionTest } from '#contracts/agents.ts'
import { fetchAgent } from '#server/agents/fetch.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { fetchServer } from '#server/mcp-servers/fetch.ts'
import { enqueue } from '#server/queues/enqueue.ts'
import { testView } from './view.ts'

interface Input {
  agentId: string
  serverId: string
}

/** Checks agent and server, and throws AppError NOT_FOUND (somebody else's agent, invisible server), SERVER_NOT_RUNNING or ALREADY_CONNECTED. */
export async function requireConnectable(
  db: Db,
  input: Input,
): Promise<{ name: string; liveInstanceId: string }> {
  await fetchAgent(db, input.agentId)
  const server = await fetchServer(db, input.serverId)
  const existing = await db.connection.findFirst({
    where: { agentId: input.agentId, serverId: input.serverId, state: { not: 'disconnected' } },
    select: { id: true },
  })
  if (existing)
    throw new AppError('ALREADY_CONNECTED', `agent ${input.agentId} has connection ${existing.id}`)
  if (
    server.desired !== 'running' ||
    !server.liveInstanceId ||
    !['running', 'starting', 'degraded'].includes(server.observed)
  )
    throw new AppError('SERVER_NOT_RUNNING', `server ${server.id} is ${server.observed}`, {
      detail: `${server.name} is ${server.observed}.`,
    })
  return { name: server.name, liveInstanceId: server.liveInstanceId }
}

/** Begins a connection test; the `connection-test` worker makes it. Throws as `requireConnectable`. */
export async function startConnectionTest({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: Input
}): Promise<ConnectionTest> {
  return withActor(ctx.actor, async (db) => {
    const { liveInstanceId } = await requireConnectable(db, input)
    const row = await db.connectionTest.create({
      data: {
        agentId: input.agentId,
        serverId: input.serverId,
        userId: ctx.actor.userId,
        instanceId: liveInstanceId,
      },
    })
    await enqueue(db, 'connection-test', { testId: row.id })
    return testView(row)
  })
}
