import type { StreamMessage } from '#contracts/events.ts'
import { watchExpiry } from '#server/api-keys/watch-expiry.ts'
import type { UserActor } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { compareCursors, currentCursor, type EventCursor, formatCursor, parseCursor } from './cursor.ts'
import { eventHub } from './hub.ts'
import { readEvents, type StoredEvent } from './read.ts'
import { areStreamsEnded } from './streams.ts'

export interface Tracked {
  cursor: string
  message: StreamMessage
}

const REPLAY_BATCH = 200
/** A subscriber that is this far behind is told to fetch anew rather than kept in memory. */
const MAX_BACKLOG = 2_000

/**
 * All events that `actor` may see after `from` (null: from now), then live ones, for ever. Subscribes first and queries the gap
 * afterwards, so nothing is lost between. First message: `hello`, or `reset` when the cursor is of another epoch or pruned. Ends
 * with `signal`; throws AppError STOPPING when it is the process that ends, SESSION_CHANGED when the user was changed or the API key
 * that they came with has expired.
 */
export async function* streamEvents(options: {
  actor: UserActor
  from: string | null
  signal: AbortSignal
  matches: (event: StoredEvent['event']) => boolean
}): AsyncGenerator<Tracked, void> {
  const { actor, signal, matches } = options
  const audiences = new Set([
    'everyone',
    `user:${actor.userId}`,
    ...(actor.kind === 'admin' ? ['admins'] : []),
  ])
  const backlog: StoredEvent[] = []
  let overflow = false
  let wake: () => void = () => undefined
  let changed = false
  const { positioned, stop } = eventHub().listen((events) => {
    for (const event of events) {
      if (!event.audience.some((name) => audiences.has(name))) continue
      changed ||= changesRights(event.event, actor)
      if (!matches(event.event)) continue
      if (backlog.length >= MAX_BACKLOG) overflow = true
      else backlog.push(event)
    }
    wake()
  })
  // A generator that is dropped before its first iteration never runs its finally.
  signal.addEventListener('abort', () => (stop(), wake()), { once: true })
  let stopWatching: () => void = () => undefined
  try {
    stopWatching = await watchExpiry(actor, () => {
      changed = true
      wake()
    })
    // A gap that is queried before the tailer knows where it begins could end before that.
    await Promise.race([positioned, aborted(signal)])
    if (signal.aborted) return throwIfStopping()
    const start = await startingPoint(actor, options.from)
    let position = start.cursor
    yield { cursor: formatCursor(position), message: start.message }
    for (;;) {
      const missed = await withActor(actor, (db) => readEvents(db, position, REPLAY_BATCH))
      for (const stored of missed.events) {
        position = stored.cursor
        if (matches(stored.event))
          yield { cursor: formatCursor(position), message: { kind: 'event', event: stored.event } }
      }
      position = missed.last ?? position
      if (!missed.full) break
    }
    while (!signal.aborted) {
      // What this stream may carry was decided for the user as they were; opened again, it is decided anew.
      if (changed) throw new AppError('SESSION_CHANGED', `user ${actor.userId} changed`)
      if (overflow) {
        overflow = false
        backlog.length = 0
        position = (await startingPoint(actor, null)).cursor
        yield { cursor: formatCursor(position), message: { kind: 'reset', reason: 'pruned' } }
      }
      const next = backlog.shift()
      if (!next) {
        await new Promise<void>((resolve) => {
          wake = resolve
          if (signal.aborted || backlog.length > 0 || overflow || changed) resolve()
        })
        continue
      }
      const cursor = { ...next.cursor, epoch: position.epoch }
      if (compareCursors(cursor, position) <= 0) continue
      position = cursor
      yield { cursor: formatCursor(cursor), message: { kind: 'event', event: next.event } }
    }
    throwIfStopping()
  } finally {
    stopWatching()
    stop()
  }
}

/** A stream that just ends is over for its client; one that fails is opened again. */
export function throwIfStopping(): void {
  if (areStreamsEnded()) throw new AppError('STOPPING', 'the process ends')
}

/** The user was renamed, disabled, given another role or password, or lost an API key. */
export function changesRights({ type, subjectId }: StoredEvent['event'], actor: UserActor): boolean {
  return type === 'apiKey.updated' || (type === 'user.updated' && subjectId === actor.userId)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

async function startingPoint(
  actor: UserActor,
  from: string | null,
): Promise<{ cursor: EventCursor; message: StreamMessage }> {
  const { now, prunedXid } = await withActor(actor, async (db) => {
    const now = parseCursor(await currentCursor(db))
    const installation = await db.installation.findFirstOrThrow({ select: { prunedXid: true } })
    return { now, prunedXid: installation.prunedXid }
  })
  if (!now) throw new Error('The installation has no cursor.')
  if (from === null) return { cursor: now, message: { kind: 'hello' } }
  const given = parseCursor(from)
  if (!given || given.epoch !== now.epoch) return { cursor: now, message: { kind: 'reset', reason: 'epoch' } }
  if (given.xid <= prunedXid) return { cursor: now, message: { kind: 'reset', reason: 'pruned' } }
  return { cursor: given, message: { kind: 'hello' } }
}
