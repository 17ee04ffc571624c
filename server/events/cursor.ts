import type { Db } from '#server/db/with-actor.ts'

/** A place in the order of events: `epoch:xid:id`. Everything up to and including it has been seen. */
export interface EventCursor {
  readonly epoch: string
  readonly xid: bigint
  readonly id: bigint
}

export function formatCursor(cursor: EventCursor): string {
  return `${cursor.epoch}:${cursor.xid}:${cursor.id}`
}

/** Postgres's largest bigint. */
const MAX_BIGINT = 2n ** 63n - 1n

/** Null when the text is no cursor. */
export function parseCursor(text: string): EventCursor | null {
  const match = /^([0-9a-f-]{36}):(\d{1,19}):(\d{1,19})$/.exec(text)
  if (!match) return null
  const [, epoch = '', ...numbers] = match
  const [xid = 0n, id = 0n] = numbers.map(BigInt)
  return xid > MAX_BIGINT || id > MAX_BIGINT ? null : { epoch, xid, id }
}

/**
 * The cursor of what a list query in this very transaction can have seen: every event of a transaction that had ended before any
 * still running one began. Read it before the list, so that the stream repeats rather than misses.
 */
export async function currentCursor(db: Db): Promise<string> {
  const [row] = await db.$queryRaw<{ epoch: string; xmin: bigint }[]>`
    SELECT epoch::text AS epoch, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin FROM installation`
  if (!row) throw new Error('The installation has no row; was the database seeded?')
  return formatCursor({ epoch: row.epoch, xid: row.xmin, id: 0n })
}

/** -1, 0 or 1 by (xid, id). Epochs must be equal. */
export function compareCursors(a: EventCursor, b: EventCursor): number {
  if (a.xid !== b.xid) return a.xid < b.xid ? -1 : 1
  if (a.id !== b.id) return a.id < b.id ? -1 : 1
  return 0
}
