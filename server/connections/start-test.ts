import type { ConnectionTest } from '#contracts/agents.ts'
import type { UserGiven } from '#mcp/carry-user.ts'
import { fetchAgent } from '#server/agents/fetch.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { fetchServer } from '#server/mcp-servers/fetch.ts'
import { enqueue } from '#server/queues/enqueue.ts'
import {
  credentialChanges,
  credentialStates,
  type GivenSecrets,
  requireCarriable,
  requireComplete,
} from './credentials.ts'
import { saveTestCredentials } from './test-credentials.ts'
import { testView } from './view.ts'

interface Input {
  agentId: string
  serverId: string
}

/** Checks agent and server, and throws AppError NOT_FOUND (somebody else's agent, invisible server), SERVER_NOT_RUNNING or ALREADY_CONNECTED. */
export async function requireConnectable(
  db: Db,
  input: Input,
): Promise<{ name: string; liveInstanceId: string; transport: string; userCredentials: unknown }> {
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
  const { name, liveInstanceId, transport, userCredentials } = server
  return { name, liveInstanceId, transport, userCredentials }
}

/**
 * Begins a connection test; the `connection-test` worker makes it. Throws as `requireConnectable`, BAD_REQUEST and
 * CREDENTIALS_MISSING for what is given of credentials and headers.
 */
export async function startConnectionTest({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: Input & GivenSecrets
}): Promise<ConnectionTest> {
  return withActor(ctx.actor, async (db) => {
    const { liveInstanceId, ...server } = await requireConnectable(db, input)
    const given = credentialChanges(server, input).filter(({ value }) => value !== null)
    requireComplete(credentialStates(server, given))
    requireCarriable(
      byKind(given),
      given.map(({ name }) => name),
    )
    const row = await db.connectionTest.create({
      data: {
        agentId: input.agentId,
        serverId: input.serverId,
        userId: ctx.actor.userId,
        instanceId: liveInstanceId,
      },
    })
    await saveTestCredentials(db, row.id, given)
    await enqueue(db, 'connection-test', { testId: row.id })
    return testView(row)
  })
}

function byKind(given: ReturnType<typeof credentialChanges>): UserGiven {
  const of = (kind: 'env' | 'header') =>
    Object.fromEntries(
      given.flatMap((one) => (one.kind === kind && one.value !== null ? [[one.name, one.value]] : [])),
    )
  return { env: of('env'), headers: of('header') }
}
