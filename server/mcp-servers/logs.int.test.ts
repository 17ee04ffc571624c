import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createToolberthClient } from '#client/index.ts'
import type { LogEntry, LogMessage } from '#contracts/logs.ts'
import { emitNumber } from '#testing/events.ts'
import { until } from '#testing/faults/until.ts'
import { startLogToolbox } from '#testing/log-toolbox.ts'
import { refusalOf } from '#testing/refusal.ts'
import {
  asSystem,
  seedApiKey,
  seedServer,
  seedUser,
  type TestServer,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { startTrpcServer } from '#testing/trpc-server.ts'

await useSeededInstallation()
const { readLogs } = await import('./logs.ts')
const { followLogs } = await import('./logs-follow.ts')
const { answerDownload } = await import('./logs-answer.ts')
const { countFollowed } = await import('#server/dtma/follow-logs.ts')
const admin = await seedUser({ role: 'ADMIN' })
const user = await seedUser()
const toolbox = await startLogToolbox()

interface Viewer {
  messages: LogMessage[]
  lines: () => LogEntry[]
  texts: () => string[]
  cursor: () => string
  ended: Promise<Error | null>
  close(): Promise<void>
}
const viewers: Viewer[] = []
afterEach(async () => {
  await Promise.all(viewers.splice(0).map((viewer) => viewer.close()))
  // No test leaves anything open behind its readers.
  await until('no log is read any more', () => toolbox.reading() === 0 && countFollowed() === 0)
})

/** Follows as a page does, taking what comes; `gate` holds it back. */
function view(
  server: TestServer,
  input: { after?: string; instanceId?: string } = {},
  gate: Promise<void> = Promise.resolve(),
): Viewer {
  const ending = new AbortController()
  const messages: LogMessage[] = []
  let cursor = input.after ?? ''
  const stream = followLogs({
    ctx: admin.ctx,
    input: { id: server.id, ...input },
    signal: ending.signal,
  })
  const ended = (async () => {
    for await (const one of stream) {
      messages.push(one.message)
      cursor = one.cursor
      await gate
    }
    return null
  })().catch((error: Error) => error)
  const lines = () => messages.flatMap((message) => (message.kind === 'lines' ? message.lines : []))
  const viewer = {
    messages,
    lines,
    texts: () => lines().map(({ text }) => text),
    cursor: () => cursor,
    ended,
    async close() {
      ending.abort()
      await ended
    },
  }
  viewers.push(viewer)
  return viewer
}
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => String(from + at))

describe('the log of a server', () => {
  it('has positions, levels and a cursor to go on from', async () => {
    const server = await seedServer(toolbox.id)
    const log = toolbox.log(server.instanceId, ['my-secret-value'])
    log.write('stderr', '[ERROR] my-secret-value was refused')
    log.write('stdout', 'plain')
    const logs = await readLogs({ ctx: admin.ctx, input: { id: server.id, tail: 10 } })
    expect(logs).toMatchObject({
      source: 'toolbox',
      instances: [{ id: server.instanceId, revisionNumber: 1, role: 'serving' }],
      lines: [
        { level: 'error', text: '[ERROR] [redacted] was refused', instanceId: server.instanceId },
        { level: null, text: 'plain' },
      ],
    })
    const viewer = view(server, { after: logs.cursor })
    await expect.poll(() => viewer.messages.some(({ kind }) => kind === 'state')).toBe(true)
    log.write('stdout', 'new')
    await expect.poll(viewer.texts).toEqual(['new'])
  })

  it('is searched as a whole, by text, level and time', async () => {
    const server = await seedServer(toolbox.id)
    const log = toolbox.log(server.instanceId)
    log.write('stderr', '[WARN] Needle in the oldest line')
    for (let n = 0; n < 3_000; n++) log.write('stderr', `[INFO] hay ${n}`)
    await log.flush()
    const find = async (filter: object) =>
      (await readLogs({ ctx: admin.ctx, input: { id: server.id, tail: 5, ...filter } })).lines.map(
        ({ text }) => text,
      )
    expect(await find({ search: 'NEEDLE' })).toEqual(['[WARN] Needle in the oldest line'])
    expect(await find({ level: 'warn' })).toEqual(['[WARN] Needle in the oldest line'])
    expect(await find({ search: 'hay 29', level: 'info' })).toHaveLength(5)
    expect(await find({ since: new Date(Date.now() + 60_000).toISOString() })).toEqual([])
  })

  it('of an agent of before has positions and levels all the same', async () => {
    const server = await seedServer(toolbox.id)
    const old = { at: new Date().toISOString(), stream: 'stderr', text: '[WARN] old' }
    toolbox.standIn.logs.set(server.instanceId, (_, response) =>
      response.end(JSON.stringify({ lines: [old, { ...old, text: 'other' }] })),
    )
    const read = (filter: object) =>
      readLogs({ ctx: admin.ctx, input: { id: server.id, tail: 10, ...filter } })
    const { lines } = await read({})
    expect(lines.map(({ level, text }) => [level, text])).toEqual([
      ['warn', '[WARN] old'],
      [null, 'other'],
    ])
    expect(lines[1]?.seq).toBeGreaterThan(lines[0]?.seq ?? 0)
    expect((await read({ search: 'OTHER' })).lines).toHaveLength(1)
  })

  it('that is not there, or of another server’s instance, is not found', async () => {
    const [server, other] = [await seedServer(toolbox.id), await seedServer(toolbox.id)]
    const read = (input: { id: string; instanceId?: string }) =>
      refusalOf(readLogs({ ctx: admin.ctx, input: { tail: 1, ...input } }))
    expect(await read({ id: crypto.randomUUID() })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await read({ id: server.id, instanceId: other.instanceId })).toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a log that is followed', () => {
  it('F22: comes without a gap or a repetition when the toolbox breaks off, restarts, and the reader comes back', async () => {
    const server = await seedServer(toolbox.id)
    let log = toolbox.log(server.instanceId)
    for (const n of numbers(0, 20)) log.write('stdout', n)
    const first = view(server)
    await expect.poll(first.texts).toEqual(numbers(0, 20))
    toolbox.standIn.cut()
    for (const n of numbers(20, 40)) log.write('stdout', n)
    await expect.poll(first.texts).toEqual(numbers(0, 40))
    await log.flush()
    log = toolbox.reopen(server.instanceId)
    for (const n of numbers(40, 50)) log.write('stdout', n)
    toolbox.standIn.cut()
    await expect.poll(first.texts).toEqual(numbers(0, 50))
    await first.close()
    for (const n of numbers(50, 60)) log.write('stdout', n)
    const second = view(server, { after: first.cursor() })
    await expect.poll(second.texts).toEqual(numbers(50, 60))
    expect(second.messages.filter(({ kind }) => kind === 'missed')).toEqual([])
  })

  it('F22: comes to a script without a gap or a repetition when its connection is cut, and is let go of with it', async () => {
    const server = await seedServer(toolbox.id)
    const log = toolbox.log(server.instanceId)
    const web = await startTrpcServer()
    const client = createToolberthClient({ url: web.url, apiKey: await seedApiKey(admin.id) })
    const texts: string[] = []
    const subscription = client.servers.followLogs.subscribe(
      { id: server.id },
      {
        onData({ data }) {
          if (data.kind === 'lines') texts.push(...data.lines.map(({ text }) => text))
        },
      },
    )
    for (const [from, to] of [
      [0, 30],
      [30, 60],
      [60, 90],
    ] as const) {
      for (const n of numbers(from, to)) log.write('stdout', n)
      await expect.poll(() => texts).toEqual(numbers(0, to))
      web.drop()
    }
    subscription.unsubscribe()
    await expect.poll(toolbox.reading).toBe(0)
    await web.close()
  })

  it('says so while the toolbox is away', async () => {
    const server = await seedServer(toolbox.id)
    toolbox.log(server.instanceId)
    await asSystem((db) =>
      db.toolbox.update({ where: { id: toolbox.id }, data: { url: 'https://127.0.0.1:4' } }),
    )
    const viewer = view(server)
    await expect
      .poll(() => viewer.messages)
      .toContainEqual({
        kind: 'state',
        instanceId: server.instanceId,
        state: 'waiting',
        failure: expect.objectContaining({ code: 'TOOLBOX_UNREACHABLE' }),
      })
    await asSystem((db) =>
      db.toolbox.update({ where: { id: toolbox.id }, data: { url: toolbox.standIn.url } }),
    )
  })

  it('tells a slow reader how many lines it missed, and keeps few of them', async () => {
    const server = await seedServer(toolbox.id)
    const log = toolbox.log(server.instanceId)
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const viewer = view(server, {}, gate)
    await expect.poll(toolbox.reading).toBe(1)
    const count = 12_000
    for (let n = 0; n < count; n++) {
      log.write('stdout', String(n))
      if (n % 500 === 0) await sleep(1)
    }
    await log.flush()
    await sleep(500)
    open()
    await expect.poll(() => viewer.texts().at(-1)).toBe(String(count - 1))
    const missed = viewer.messages.flatMap((one) => (one.kind === 'missed' ? [one.lines ?? Number.NaN] : []))
    const sum = missed.reduce((a, b) => a + b, 0)
    expect(sum).toBeGreaterThan(count / 2)
    expect(sum + viewer.lines().length).toBe(count)
  })

  it('names the old and the new instance of a rollout, and lets go of the one that is gone', async () => {
    const server = await seedServer(toolbox.id)
    const old = toolbox.log(server.instanceId)
    old.write('stdout', 'from the old one')
    const viewer = view(server)
    await expect.poll(viewer.texts).toEqual(['from the old one'])
    const next = await asSystem((db) =>
      db.instance.create({
        data: {
          serverId: server.id,
          revisionId: server.revisionId,
          toolboxId: toolbox.id,
          attempt: 2,
          fence: 2,
          accepted: true,
        },
      }),
    )
    toolbox.log(next.id).write('stdout', 'from the new one')
    await emitNumber(1, { serverId: server.id, audience: ['admins'] })
    await expect.poll(viewer.texts).toEqual(['from the old one', 'from the new one'])
    expect(viewer.lines().map(({ instanceId }) => instanceId)).toEqual([server.instanceId, next.id])
    const shown = () => viewer.messages.findLast(({ kind }) => kind === 'instances')
    expect(shown()).toMatchObject({
      instances: [
        { id: server.instanceId, role: 'serving', attempt: 1 },
        { id: next.id, role: 'starting', attempt: 2 },
      ],
    })
    await asSystem(async (db) => {
      await db.mcpServer.update({ where: { id: server.id }, data: { liveInstanceId: next.id } })
      await db.instance.update({
        where: { id: server.instanceId },
        data: { desired: 'absent', goneAt: new Date() },
      })
    })
    await emitNumber(2, { serverId: server.id, audience: ['admins'] })
    await expect.poll(shown).toMatchObject({ instances: [{ id: next.id, role: 'serving' }] })
    await expect.poll(toolbox.reading).toBe(1)
    expect(viewer.cursor()).not.toContain(server.instanceId)
  })

  it('ends when its server is deleted', async () => {
    const server = await seedServer(toolbox.id)
    toolbox.log(server.instanceId)
    const viewer = view(server)
    await expect.poll(toolbox.reading).toBe(1)
    await asSystem((db) => db.mcpServer.update({ where: { id: server.id }, data: { deletedAt: new Date() } }))
    await emitNumber(3, { serverId: server.id, audience: ['admins'] })
    expect(await viewer.ended).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('leaves nothing behind when many readers leave at once', async () => {
    const server = await seedServer(toolbox.id)
    toolbox.log(server.instanceId).write('stdout', 'x')
    const many = Array.from({ length: 20 }, () => view(server))
    await expect.poll(toolbox.reading).toBe(20)
    expect(countFollowed()).toBe(20)
    await Promise.all(many.map((viewer) => viewer.close()))
    await expect.poll(toolbox.reading).toBe(0)
    expect(countFollowed()).toBe(0)
  })
})

describe('a download', () => {
  const get = async (server: { id: string }, query: string, key?: string) =>
    answerDownload(
      new Request(`http://localhost:3000/api/servers/${server.id}/logs?${query}`, {
        headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      }),
      server.id,
    )

  it('is the whole log as text or as JSON lines, filtered when asked to', async () => {
    const server = await seedServer(toolbox.id)
    const log = toolbox.log(server.instanceId)
    for (let n = 0; n < 2_500; n++) log.write('stderr', `[INFO] line ${n}`)
    await log.flush()
    const key = await seedApiKey(admin.id)
    const text = await get(server, '', key)
    expect(text.headers.get('content-disposition')).toMatch(
      new RegExp(`^attachment; filename="${server.name}-[\\dT-]+\\.log"$`),
    )
    const lines = (await text.text()).trimEnd().split('\n')
    expect(lines).toHaveLength(2_500)
    expect(lines[0]).toMatch(/^[\d-]+T[\d:.]+Z stderr info \[INFO\] line 0$/)
    const json = await (await get(server, 'format=ndjson&search=line%20249', key)).text()
    expect(
      json
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as LogEntry).text),
    ).toEqual(['[INFO] line 249', ...numbers(2490, 2500).map((n) => `[INFO] line ${n}`)])
  })

  it('is for admins, of what is there, and names the field that is wrong', async () => {
    const server = await seedServer(toolbox.id)
    const key = await seedApiKey(admin.id)
    const codeOf = async (answer: Promise<Response>) => {
      const response = await answer
      const { error } = (await response.json()) as { error: { code: string; fields?: object } }
      return [response.status, error.code, Object.keys(error.fields ?? {})]
    }
    expect(await codeOf(get(server, ''))).toEqual([401, 'UNAUTHENTICATED', []])
    expect(await codeOf(get(server, '', await seedApiKey(user.id)))).toEqual([403, 'FORBIDDEN', []])
    expect(await codeOf(get({ id: crypto.randomUUID() }, '', key))).toEqual([404, 'NOT_FOUND', []])
    expect(await codeOf(get({ id: 'nonsense' }, '', key))).toEqual([400, 'BAD_REQUEST', ['id']])
    expect(await codeOf(get(server, 'format=pdf', key))).toEqual([400, 'BAD_REQUEST', ['format']])
    expect(await codeOf(get(server, 'level=loud&x=1', key))).toEqual([400, 'BAD_REQUEST', ['level', 'query']])
  })
})
