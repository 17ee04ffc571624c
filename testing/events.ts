import pg from 'pg'
import type { EventType, StreamMessage } from '#contracts/events.ts'
import type { UserActor } from '#server/context.ts'

export interface TestStream {
  messages: { cursor: string; message: StreamMessage }[]
  /** `n` of the data of each event so far. */
  seen: () => unknown[]
  /** Resolves once the stream has ended, with the error that ended it. */
  ended: Promise<Error | null>
  close(): Promise<void>
}

/** A stream of events that is read as fast as it comes. */
export async function openStream(
  actor: UserActor,
  options: { from?: string | null; serverId?: string; signal?: AbortSignal } = {},
): Promise<TestStream> {
  const { streamEvents } = await import('#server/events/stream.ts')
  const ending = new AbortController()
  const messages: TestStream['messages'] = []
  const signal = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal
  const events = streamEvents({
    actor,
    from: options.from ?? null,
    signal,
    matches: (event) => options.serverId === undefined || event.serverId === options.serverId,
  })
  const ended = (async () => {
    for await (const one of events) messages.push(one)
    return null
  })().catch((error: Error) => error)
  return {
    messages,
    seen: () => messages.flatMap(({ message }) => (message.kind === 'event' ? [message.event.data.n] : [])),
    ended,
    async close() {
      ending.abort()
      await ended
    },
  }
}

/** Commits one event whose data is `{ n }`. */
export async function emitNumber(
  n: number,
  to: {
    audience?: string[] | { server: string }
    serverId?: string
    type?: EventType
    subjectId?: string
  } = {},
): Promise<void> {
  const { emit } = await import('#server/events/emit.ts')
  const { asSystem } = await import('#testing/seeded.ts')
  const { randomUUID } = await import('node:crypto')
  await asSystem((db) =>
    emit(db, {
      type: to.type ?? 'server.updated',
      subjectId: to.subjectId ?? to.serverId ?? randomUUID(),
      serverId: to.serverId ?? null,
      audience: to.audience ?? ['everyone'],
      data: { n },
    }),
  )
}

/** A transaction that has written an event and takes its time, without any hint at its end. */
export async function openSlowEvent(
  appUrl: string,
  n: number,
): Promise<{ commit(): Promise<void>; rollback(): Promise<void> }> {
  const client = new pg.Client({ connectionString: appUrl })
  await client.connect()
  await client.query('BEGIN')
  await client.query("SELECT set_config('app.actor_kind', 'system', true)")
  await client.query(
    `INSERT INTO events (type, subject_id, audience, data) VALUES ('server.updated', gen_random_uuid(), ARRAY['everyone'], $1)`,
    [{ n }],
  )
  const end = async (how: 'COMMIT' | 'ROLLBACK') => {
    await client.query(how)
    await client.end()
  }
  return { commit: () => end('COMMIT'), rollback: () => end('ROLLBACK') }
}
