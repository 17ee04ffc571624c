import type { ConnectionState } from '#contracts/agents.ts'
import type { Failure } from '#contracts/errors.ts'
import type { EventType } from '#contracts/events.ts'
import type { Db } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'

/** Legal moves of a connection; one that was disconnected stays so, and its agent is connected anew by another row. */
export const CONNECTION_MOVES: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  testing: ['connected', 'failing', 'disconnected'],
  connected: ['failing', 'disconnected'],
  failing: ['connected', 'disconnected'],
  disconnected: [],
}

const TOLD: Readonly<Record<ConnectionState, EventType>> = {
  testing: 'connection.updated',
  connected: 'connection.recovered',
  failing: 'connection.failing',
  disconnected: 'connection.updated',
}

/** What of a failure's detail fits into an event. */
const DETAIL_LENGTH = 300

export interface MovedConnection {
  id: string
  agentId: string
  serverId: string
  userId: string
  slug: string
}

/**
 * Moves a connection and tells its user: with `connection.failing` and `connection.recovered` a page can say what happened without
 * asking. False: it was in no state that leads there.
 */
export async function moveConnection(
  db: Db,
  { id, agentId, serverId, userId, slug }: MovedConnection,
  to: ConnectionState,
  failure: Failure | null = null,
): Promise<boolean> {
  const from = (Object.keys(CONNECTION_MOVES) as ConnectionState[]).filter((state) =>
    CONNECTION_MOVES[state].includes(to),
  )
  const ended = to === 'disconnected' ? new Date() : null
  const count = await db.$executeRaw`
    UPDATE connections SET state = ${to}::connection_state, disconnected_at = ${ended}::timestamptz,
      failure = ${failure && JSON.stringify(failure)}::jsonb
    WHERE id = ${id}::uuid AND state = ANY(${from}::connection_state[])`
  if (count === 0) return false
  await emit(db, {
    type: TOLD[to],
    subjectId: id,
    agentId,
    serverId,
    audience: [`user:${userId}`],
    data: {
      state: to,
      // Lists of events know of the connection by this alone.
      ...(to !== 'disconnected' && { connectionId: id, slug }),
      ...(failure && {
        failure: { code: failure.code, detail: failure.detail?.slice(0, DETAIL_LENGTH) ?? null },
      }),
    },
  })
  return true
}
