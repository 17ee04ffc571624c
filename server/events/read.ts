import { EventType, type StatusEvent } from '#contracts/events.ts'
import type { Db } from '#server/db/with-actor.ts'
import type { EventCursor } from './cursor.ts'

export interface StoredEvent {
  readonly cursor: EventCursor
  readonly audience: readonly string[]
  readonly event: StatusEvent
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
export async function readEvents(db: Db, after: EventCursor, limit: number): Promise<StoredEvent[]> {
  const rows = await db.$queryRaw<Row[]>`
    SELECT id, xid, type, subject_id, server_id, agent_id, toolbox_id, audience, data, at FROM events
    WHERE (xid, id) > (${after.xid}, ${after.id}) AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    ORDER BY xid, id LIMIT ${limit}`
  return rows.map((row) => toStored(row, after.epoch))
}

/** The newest events, newest first. */
export async function readRecentEvents(db: Db, limit: number): Promise<StatusEvent[]> {
  const rows = await db.$queryRaw<Row[]>`
    SELECT id, xid, type, subject_id, server_id, agent_id, toolbox_id, audience, data, at FROM events
    ORDER BY xid DESC, id DESC LIMIT ${limit}`
  return rows.map((row) => toStored(row, '').event)
}

function toStored(row: Row, epoch: string): StoredEvent {
  return {
    cursor: { epoch, xid: row.xid, id: row.id },
    audience: row.audience,
    event: {
      id: String(row.id),
      type: EventType.parse(row.type),
      subjectId: row.subject_id,
      serverId: row.server_id,
      agentId: row.agent_id,
      toolboxId: row.toolbox_id,
      data: row.data,
      at: row.at.toISOString(),
    },
  }
}
