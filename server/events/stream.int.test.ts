import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { emitNumber, openSlowEvent, openStream, type TestStream } from '#testing/events.ts'
import { asSystem, seedServer, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database, redis } = await useSeededInstallation()
const { currentCursor } = await import('#server/events/cursor.ts')
const { readRecentEvents } = await import('#server/events/read.ts')
const { actorOfApiKey } = await import('#server/auth/session.ts')
const { eventHub } = await import('#server/events/hub.ts')
const { withActor } = await import('#server/db/with-actor.ts')
const { updateUser } = await import('#server/users/update.ts')
const { createApiKey, revokeApiKey } = await import('#server/api-keys/create.ts')
const [admin, alice, bob] = await Promise.all([seedUser({ role: 'ADMIN' }), seedUser(), seedUser()])

const streams: TestStream[] = []
afterEach(async () => {
  await Promise.all(streams.splice(0).map((stream) => stream.close()))
})
async function open(...input: Parameters<typeof openStream>): Promise<TestStream> {
  const stream = await openStream(...input)
  streams.push(stream)
  await expect.poll(() => stream.messages.length).toBeGreaterThan(0)
  return stream
}
const cursorNow = () => withActor(alice.ctx.actor, currentCursor)
const WAIT = { interval: 20 }

describe('order', () => {
  it('is that of transactions, so one that commits late is held for, not skipped, and nothing comes twice', async () => {
    const stream = await open(alice.ctx.actor)
    const slow = await openSlowEvent(database.appUrl, 1)
    await emitNumber(2)
    await emitNumber(3)
    await sleep(1_300)
    expect(stream.seen()).toEqual([])
    await slow.commit()
    await expect.poll(stream.seen, WAIT).toEqual([1, 2, 3])
    await emitNumber(4)
    await expect.poll(stream.seen, WAIT).toEqual([1, 2, 3, 4])
  })

  it('goes on when the late one is rolled back', async () => {
    const stream = await open(alice.ctx.actor)
    const slow = await openSlowEvent(database.appUrl, 1)
    await emitNumber(2)
    await slow.rollback()
    await expect.poll(stream.seen, WAIT).toEqual([2])
  })

  it('holds for a replay that begins while a transaction is open', async () => {
    const from = await cursorNow()
    const slow = await openSlowEvent(database.appUrl, 1)
    await emitNumber(2)
    const stream = await open(alice.ctx.actor, { from })
    await slow.commit()
    await expect.poll(stream.seen, WAIT).toEqual([1, 2])
  })

  it('has no gap and no repetition while events are written all the time and streams come and go', async () => {
    let n = 100
    let writing = true
    const writers = Array.from({ length: 4 }, async () => {
      while (writing) await emitNumber(n++)
    })
    const from = await cursorNow()
    const first = await open(alice.ctx.actor, { from })
    await expect.poll(() => first.seen().length, WAIT).toBeGreaterThan(20)
    await first.close()
    const last = first.messages.at(-1)
    const second = await open(alice.ctx.actor, { from: last?.cursor ?? null })
    await expect.poll(() => second.seen().length, WAIT).toBeGreaterThan(20)
    writing = false
    await Promise.all(writers)
    const written = Array.from({ length: n - 100 }, (_, at) => at + 100)
    const all = () => [...first.seen(), ...second.seen()].map(Number).filter((one) => one >= 100)
    const count = await query<{ data: { n: number } }>(
      database.adminUrl,
      `SELECT data FROM events WHERE (xid, id) > (${from.split(':')[1]}, 0) AND (data->>'n')::int >= 100`,
    )
    await expect.poll(() => all().length, WAIT).toBe(count.length)
    expect(new Set(all()).size).toBe(all().length)
    expect(written).toEqual(expect.arrayContaining(all()))
  })

  it('begins where the tailer knows that it begins', async () => {
    const { positioned, stop } = eventHub().listen(() => undefined)
    await positioned
    stop()
    for (let turn = 0; turn < 10; turn++) {
      const stream = await open(alice.ctx.actor)
      await emitNumber(turn)
      await expect.poll(stream.seen, WAIT).toEqual([turn])
      await stream.close()
    }
  })
})

describe('the audience', () => {
  const received = async (to: Parameters<typeof emitNumber>[1]) => {
    const open3 = await Promise.all([admin, alice, bob].map((user) => open(user.ctx.actor)))
    const from = await cursorNow()
    await emitNumber(1, to)
    await emitNumber(2)
    await expect.poll(() => open3.every((stream) => stream.seen().includes(2)), WAIT).toBe(true)
    const live = open3.map((stream) => stream.seen().includes(1))
    const replays = await Promise.all([admin, alice, bob].map((user) => open(user.ctx.actor, { from })))
    await expect.poll(() => replays.every((stream) => stream.seen().includes(2)), WAIT).toBe(true)
    expect(replays.map((stream) => stream.seen().includes(1))).toEqual(live)
    return { admin: live[0], alice: live[1], bob: live[2] }
  }

  it('of a restricted server is its admins and who was granted it', async () => {
    const toolbox = await seedToolbox()
    const hidden = await seedServer(toolbox.id, { visibility: 'restricted', grants: [alice.id] })
    expect(await received({ audience: { server: hidden.id } })).toEqual({
      admin: true,
      alice: true,
      bob: false,
    })
    const open = await seedServer(toolbox.id)
    expect(await received({ audience: { server: open.id } })).toEqual({ admin: true, alice: true, bob: true })
  })

  it('of an admins’ event is admins, and of one’s own oneself', async () => {
    expect(await received({ audience: ['admins'] })).toEqual({ admin: true, alice: false, bob: false })
    expect(await received({ audience: [`user:${bob.id}`] })).toEqual({
      admin: false,
      alice: false,
      bob: true,
    })
  })

  it('can be narrowed to one server', async () => {
    const server = await seedServer((await seedToolbox()).id)
    const stream = await open(alice.ctx.actor, { serverId: server.id })
    await emitNumber(1)
    await emitNumber(2, { serverId: server.id })
    await expect.poll(stream.seen, WAIT).toEqual([2])
  })
})

describe('a cursor', () => {
  it('of another installation, or of nonsense, gets a reset', async () => {
    const [, xid] = (await cursorNow()).split(':')
    for (const from of [
      'nonsense',
      '',
      `${crypto.randomUUID()}:${xid}:0`,
      (await cursorNow()).replace(/:.*/, ':9999999999999999999:0'),
      (await cursorNow()).replace(/:.*/, ':1:x'),
    ]) {
      const stream = await open(alice.ctx.actor, { from })
      expect(stream.messages[0]?.message, from).toEqual({ kind: 'reset', reason: 'epoch' })
      await emitNumber(1)
      await expect.poll(stream.seen, WAIT).toEqual([1])
    }
  })

  it('from before what was pruned gets a reset, one after it does not', async () => {
    const { pruneEvents } = await import('#server/reconcile/prune-events.ts')
    const before = await cursorNow()
    await emitNumber(1)
    const [emitted] = await query<{ xid: string }>(database.adminUrl, 'SELECT max(xid) AS xid FROM events')
    // Transactions of other suites, which share this Postgres, hold it back for a moment.
    let after = ''
    await expect
      .poll(async () => {
        after = await cursorNow()
        return Number(after.split(':')[1]) > Number(emitted?.xid)
      }, WAIT)
      .toBe(true)
    await query(
      database.adminUrl,
      `UPDATE events SET at = now() - interval '8 days' WHERE xid < ${after.split(':')[1]}`,
    )
    await pruneEvents()
    const late = await open(alice.ctx.actor, { from: before })
    expect(late.messages[0]?.message).toEqual({ kind: 'reset', reason: 'pruned' })
    const early = await open(alice.ctx.actor, { from: after })
    expect(early.messages[0]?.message).toEqual({ kind: 'hello' })
    const [row] = await query<{ n: number }>(
      database.adminUrl,
      `SELECT count(*)::int AS n FROM events WHERE at < now() - interval '7 days'`,
    )
    expect(row?.n).toBe(0)
  })

  it('that is far behind is caught up with in batches', async () => {
    const from = await cursorNow()
    const { emit } = await import('#server/events/emit.ts')
    await asSystem(async (db) => {
      for (let n = 0; n < 450; n++)
        await emit(db, { type: 'server.updated', subjectId: alice.id, audience: ['everyone'], data: { n } })
    })
    const stream = await open(alice.ctx.actor, { from })
    await expect.poll(() => stream.seen().length, WAIT).toBe(450)
    expect(stream.seen()).toEqual(Array.from({ length: 450 }, (_, n) => n))
  })
})

describe('a stream', () => {
  it('is fed by the poll alone while Redis is away, and by hints again afterwards', async () => {
    const stream = await open(alice.ctx.actor)
    await redis.stop()
    await emitNumber(1)
    await expect.poll(stream.seen, WAIT).toEqual([1])
    await redis.start()
    await emitNumber(2)
    await expect.poll(stream.seen, WAIT).toEqual([1, 2])
  })

  it('goes on after Postgres has cut its connections', async () => {
    const stream = await open(alice.ctx.actor)
    await query(
      database.adminUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'toolberth_app'`,
    )
    await sleep(50)
    await expect
      .poll(
        () =>
          emitNumber(1).then(
            () => true,
            () => false,
          ),
        WAIT,
      )
      .toBe(true)
    await expect.poll(stream.seen, WAIT).toEqual([1])
  })

  it('ends, to be opened anew, when its user is changed or loses a key', async () => {
    const carol = await seedUser()
    const ended = async () => {
      const stream = await open(carol.ctx.actor)
      return { stream, code: async () => ((await stream.ended) as { code?: string } | null)?.code }
    }
    const demoted = await ended()
    const other = await open(alice.ctx.actor)
    await updateUser({ ctx: admin.ctx, input: { id: carol.id, disabled: true } })
    expect(await demoted.code()).toBe('SESSION_CHANGED')
    await updateUser({ ctx: admin.ctx, input: { id: carol.id, disabled: false } })
    const key = await createApiKey({ ctx: carol.ctx, input: { name: 'k', expiresInDays: null } })
    const revoked = await ended()
    await revokeApiKey({ ctx: carol.ctx, input: { id: key.id } })
    expect(await revoked.code()).toBe('SESSION_CHANGED')
    await emitNumber(1)
    await expect.poll(other.seen, WAIT).toEqual([1])
  })

  it('ends when the API key that it was opened with expires, and cannot be opened with that again', async () => {
    const dora = await seedUser()
    const { key, id } = await createApiKey({ ctx: dora.ctx, input: { name: 'short', expiresInDays: 1 } })
    await query(
      database.adminUrl,
      `UPDATE api_keys SET expires_at = clock_timestamp() + interval '2 s' WHERE id = $1`,
      [id],
    )
    const actor = await actorOfApiKey(key)
    if (!actor) throw new Error('The key is no good.')
    const [keyed, session] = [await open(actor), await open(dora.ctx.actor)]
    expect(((await keyed.ended) as { code?: string } | null)?.code).toBe('SESSION_CHANGED')
    expect(await actorOfApiKey(key)).toBeNull()
    await emitNumber(1)
    await expect.poll(session.seen, WAIT).toEqual([1])
  })

  it('passes over events that only a newer version knows, live, in a replay and in the list of the last ones', async () => {
    const from = await cursorNow()
    const live = await open(alice.ctx.actor)
    const unknown = async (count: number) =>
      query(
        database.adminUrl,
        `INSERT INTO events (type, subject_id, audience, data)
         SELECT 'galaxy.created', gen_random_uuid(), ARRAY['everyone'], '{"n": -1}' FROM generate_series(1, $1)`,
        [count],
      )
    await emitNumber(1)
    // More than one batch of a replay or of the tailer.
    await unknown(520)
    await emitNumber(2)
    await expect.poll(live.seen, WAIT).toEqual([1, 2])
    const late = await open(alice.ctx.actor, { from })
    await expect.poll(late.seen, WAIT).toEqual([1, 2])
    await unknown(1)
    const recent = await withActor(alice.ctx.actor, (db) => readRecentEvents(db, 5))
    expect(recent.map(({ type }) => type)).not.toContain('galaxy.created')
  })

  it('leaves nothing running when it is closed', async () => {
    const stream = await open(alice.ctx.actor)
    await stream.close()
    expect(await stream.ended).toBeNull()
    await emitNumber(1)
    await sleep(100)
    expect(stream.seen()).toEqual([])
  })

  it('ends with the process, by a failure that lets clients come back', async () => {
    const { endStreams, streamSignal } = await import('#server/events/streams.ts')
    const stream = await open(alice.ctx.actor, { signal: streamSignal(undefined) })
    endStreams()
    expect(await stream.ended).toMatchObject({ code: 'STOPPING' })
    const late = await openStream(alice.ctx.actor, { signal: streamSignal(undefined) })
    expect(await late.ended).toMatchObject({ code: 'STOPPING' })
  })
})
