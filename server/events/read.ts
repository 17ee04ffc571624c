import { EventType, type StatusEvent } from '#contracts/events.ts'
import type { Db } from '#server/db/with-actor.ts'
import type { EventCursor } from './cursor.ts'

export interface StoredEvent {
  readonly cursor: EventCursor
  readonly audience: readonly string[]
  readonly event: StatusEvent
}

export interface EventBatch {
  readonly events: readonly StoredEvent[]
  /** Up to where was read; null when nothing was there. Events that this version does not know are passed over. */
  readonly last: EventCursor | null
  /** Whether there may be more after `last`. */
  readonly full: boolean
}

interface Row {
  id: bigint
  xid: bigint
  type: string
  subject_id: string
  server_id: string | null
  agent_id: string | null
  toolbox_id: string | null
  audience: string[]
  data: Record<string, unknown>
  at: Date
}

/** Events after a cursor in order, at most `limit`: only those before which nothing can still appear. Row-level security applies. */
export async function readEvents(db: Db, after: EventCursor, limit: number): Promise<EventBatch> {
  const rows = await db.$queryRaw<Row[]>`
    SELECT id, xid, type, subject_id, server_id, agent_id, toolbox_id, audience, data, at FROM events
    WHERE (xid, id) > (${after.xid}, ${after.id}) AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    ORDER BY xid, id LIMIT ${limit}`
  const last = rows.at(-1)
  return {
    events: rows.flatMap((row) => toStored(row, after.epoch) ?? []),
    last: last ? { epoch: after.epoch, xid: last.xid, id: last.id } : null,
    full: rows.length === limit,
  }
}

/** The newest events, newest first. */
export async function readRecentEvents(db: Db, limit: number): Promise<StatusEvent[]> {
  const rows = await db.$queryRaw<Row[]>`
    SELECT id, xid, type, subject_id, server_id, agent_id, toolbox_id, audience, data, at FROM events
    ORDER BY xid DESC, id DESC LIMIT ${limit}`
  return rows.flatMap((row) => toStored(row, '')?.event ?? [])
}

/** Events of one connection, or of all connections of a user those that say how it is, newest first; `before` is the id of one. */
export async function readConnectionEvents(
  db: Db,
  {
    id,
    before,
    limit,
    userId,
  }: { id?: string | undefined; before?: string | undefined; limit: number; userId: string },
): Promise<StatusEvent[]> {
  const types = ['connection.failing', 'connection.recovered']
  if (id !== undefined) types.push('connection.created', 'connection.updated', 'connection.tools')
  const rows = await db.$queryRaw<Row[]>`
    SELECT id, xid, type, subject_id, server_id, agent_id, toolbox_id, audience, data, at FROM events
    WHERE type = ANY(${types}) AND audience @> ARRAY[${`user:${userId}`}]
      AND (${id ?? null}::uuid IS NULL OR subject_id = ${id ?? null}::uuid)
      AND (${before ?? null}::bigint IS NULL OR id < ${before ?? null}::bigint)
    ORDER BY id DESC LIMIT ${limit}::int`
  return rows.flatMap((row) => toStored(row, '')?.event ?? [])
}

/** Null for a type that only a newer version knows, whose processes may run beside this one during an upgrade. */
function toStored(row: Row, epoch: string): StoredEvent | null {
  const type = EventType.safeParse(row.type)
  if (!type.success) return null
  return {
    cursor: { epoch, xid: row.xid, id: row.id },
    audience: row.audience,
    event: {
      id: String(row.id),
      type: type.data,
      subjectId: row.subject_id,
      serverId: row.server_id,
      agentId: row.agent_id,
      toolboxId: row.toolbox_id,
      data: row.data,
      at: row.at.toISOString(),
    },
  }
}
