import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { createIdentity } from '#protocol/identity.ts'
import { type AgentSender, heartbeatOf, sendRaw, sendSigned, statusOf } from '#testing/agent-requests.ts'
import { query } from '#testing/database.ts'
import {
  asSystem,
  seedServer,
  seedToolbox,
  type TestToolbox,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { syncToolboxes } = await import('#server/toolboxes/sync.ts')
const PATH = '/api/dtma/heartbeat'

let toolbox: TestToolbox
beforeEach(async () => {
  await query(database.adminUrl, 'TRUNCATE mcp_servers, toolboxes CASCADE')
  toolbox = await seedToolbox()
})
const beat = (change: Parameters<typeof heartbeatOf>[1] = {}, box: AgentSender = toolbox) =>
  sendSigned(box, PATH, heartbeatOf(box, change))
const rowOf = async (table: string, id: string) => {
  const [row] = await query(database.adminUrl, `SELECT * FROM ${table} WHERE id = $1`, [id])
  return row
}
async function refused(
  answer: () => Promise<{ status: number; body: { error?: { code: string } } }>,
  status: number,
  code: string,
) {
  const before = await checksumTables(database.adminUrl)
  const { status: got, body } = await answer()
  expect({ status: got, code: body.error?.code }).toEqual({ status, code })
  expect(await checksumTables(database.adminUrl)).toEqual(before)
}

describe('who sends a heartbeat', () => {
  it('is known by the key that enrolled', async () => {
    expect(await beat()).toEqual({ status: 200, body: { instances: [] } })
  })

  it('is refused with another key, another toolbox’s name, or no signature', async () => {
    const stranger = { id: toolbox.id, identity: await createIdentity('stranger') }
    await refused(() => beat({}, stranger), 401, 'UNAUTHORIZED')
    const neighbour = await seedToolbox()
    await refused(() => beat({}, { id: neighbour.id, identity: toolbox.identity }), 401, 'UNAUTHORIZED')
    await refused(() => beat({}, { id: randomUUID(), identity: toolbox.identity }), 401, 'UNAUTHORIZED')
    await refused(() => beat({}, { id: 'nonsense', identity: toolbox.identity }), 401, 'UNAUTHORIZED')
    const bare = () => sendRaw(PATH, { method: 'POST', body: JSON.stringify(heartbeatOf(toolbox)) })
    await refused(bare, 401, 'UNAUTHORIZED')
  })

  it('is refused for a body or a path that was not the one signed', async () => {
    const body = heartbeatOf(toolbox)
    const other = JSON.stringify({ ...body, sequence: 99 })
    await refused(() => sendSigned(toolbox, PATH, body, { sent: other }), 401, 'UNAUTHORIZED')
    await refused(() => sendSigned(toolbox, PATH, body, { path: `${PATH}?x=1` }), 401, 'UNAUTHORIZED')
    await refused(() => sendSigned(toolbox, '/api/dtma/enroll', body, { path: PATH }), 401, 'UNAUTHORIZED')
  })

  it('speaks for its own toolbox only', async () => {
    const neighbour = await seedToolbox()
    const body = heartbeatOf(neighbour)
    await refused(() => sendSigned(toolbox, PATH, body), 403, 'FORBIDDEN')
  })

  it('is refused when the request was seen before', async () => {
    const { signRequest } = await import('#protocol/signing.ts')
    const body = JSON.stringify(heartbeatOf(toolbox))
    const headers = signRequest({
      privateKey: toolbox.identity.privateKey,
      toolboxId: toolbox.id,
      method: 'POST',
      path: PATH,
      body,
      now: new Date(),
    })
    const send = () => sendRaw(PATH, { method: 'POST', headers, body })
    expect((await send()).status).toBe(200)
    await refused(send, 401, 'UNAUTHORIZED')
  })

  it.each([-61, 61, 86_400])(
    'with a clock %i s off is told the time, and gets in with it',
    async (seconds) => {
      const off = new Date(Date.now() + seconds * 1000)
      const body = heartbeatOf(toolbox)
      const answer = await sendSigned(toolbox, PATH, body, { now: off })
      expect(answer).toMatchObject({ status: 401, body: { error: { code: 'CLOCK_SKEW' } } })
      const told = new Date(answer.body.error?.serverTime ?? '')
      expect(Math.abs(told.getTime() - Date.now())).toBeLessThan(30_000)
      expect((await sendSigned(toolbox, PATH, body, { now: told })).status).toBe(200)
    },
  )

  it('with a clock a little off gets in', async () => {
    const late = new Date(Date.now() - 50_000)
    expect((await sendSigned(toolbox, PATH, heartbeatOf(toolbox), { now: late })).status).toBe(200)
  })

  it('F3: in another protocol is refused in words, which stand at the toolbox, and nothing it says is believed', async () => {
    const { body, status } = await beat({ protocolVersion: 9, agentVersion: '9.0.0' })
    expect({ status, code: body.error?.code }).toEqual({ status: 426, code: 'PROTOCOL_UNSUPPORTED' })
    const row = await rowOf('toolboxes', toolbox.id)
    expect(row).toMatchObject({
      state: 'unreachable',
      agent_version: '0.1.0',
      failure: { code: 'TOOLBOX_PROTOCOL_UNSUPPORTED', detail: expect.stringContaining('9') },
    })
    await refused(() => beat({ protocolVersion: 9 }), 426, 'PROTOCOL_UNSUPPORTED')
    await beat()
    expect(await rowOf('toolboxes', toolbox.id)).toMatchObject({ state: 'active', failure: null })
  })

  it('is refused once its toolbox is being deleted', async () => {
    await query(database.adminUrl, `UPDATE toolboxes SET state = 'deleting'`)
    await refused(() => beat(), 401, 'UNAUTHORIZED')
  })

  it.each([
    ['null', null],
    ['a list', []],
    ['no instances', { ...heartbeatOf({ id: randomUUID() }), instances: undefined }],
    ['a sequence beyond range', { sequence: 2 ** 40 }],
    ['a negative sequence', { sequence: -1 }],
    ['instances of nonsense', { instances: ['x'] }],
  ])('with %s is refused', async (_name, change) => {
    const body =
      change === null || Array.isArray(change)
        ? change
        : { ...heartbeatOf(toolbox), ...change, toolboxId: toolbox.id }
    await refused(() => sendSigned(toolbox, PATH, body), 400, 'BAD_REQUEST')
  })
})

describe('what a heartbeat says', () => {
  it('of instances is kept, and their servers follow', async () => {
    const server = await seedServer(toolbox.id)
    await beat({
      instances: [
        statusOf(server.instanceId, { state: 'backoff', restarts: 3, exitCode: 1, memoryBytes: 5e9 }),
      ],
    })
    expect(await rowOf('instances', server.instanceId)).toMatchObject({
      observed: 'backoff',
      restarts: 3,
      exit_code: 1,
      memory_bytes: '5000000000',
      resolved_version: '1.2.3',
    })
    expect(await rowOf('mcp_servers', server.id)).toMatchObject({
      observed: 'degraded',
      failure_code: 'SERVER_EXITED',
    })
    await beat({ sequence: 2, instances: [statusOf(server.instanceId, { restarts: 3 })] })
    expect(await rowOf('mcp_servers', server.id)).toMatchObject({ observed: 'running', failure_code: null })
  })

  it('of another toolbox’s instances is ignored', async () => {
    const neighbour = await seedToolbox()
    const theirs = await seedServer(neighbour.id)
    const before = await rowOf('instances', theirs.instanceId)
    expect(
      (await beat({ instances: [statusOf(theirs.instanceId, { state: 'failed' }), statusOf(randomUUID())] }))
        .status,
    ).toBe(200)
    expect(await rowOf('instances', theirs.instanceId)).toEqual(before)
    expect(await rowOf('mcp_servers', theirs.id)).toMatchObject({ observed: 'running' })
  })

  it('is ignored when something newer of the same boot was heard, and counted anew after a restart', async () => {
    const server = await seedServer(toolbox.id)
    const say = (bootId: string, sequence: number, restarts: number) =>
      beat({ bootId, sequence, instances: [statusOf(server.instanceId, { restarts })] })
    const restarts = async () => (await rowOf('instances', server.instanceId))?.restarts
    await say('one', 5, 5)
    await say('one', 4, 4)
    expect(await restarts()).toBe(5)
    await say('one', 5, 6)
    expect(await restarts()).toBe(5)
    await say('two', 0, 1)
    expect(await restarts()).toBe(1)
  })

  it('in characters that Postgres cannot keep is kept without them', async () => {
    const server = await seedServer(toolbox.id)
    const text = 'a\0b \ud800 c'
    const answer = await beat({
      bootId: 'boot\0',
      agentVersion: 'v\ud800',
      instances: [
        statusOf(server.instanceId, {
          state: 'failed',
          phase: text,
          resolvedVersion: text,
          error: { code: 'SERVER_EXITED', detail: text },
        }),
      ],
    })
    expect(answer.status).toBe(200)
    expect(await rowOf('instances', server.instanceId)).toMatchObject({
      phase: 'a\ufffdb \ufffd c',
      failure: { code: 'SERVER_EXITED', detail: 'a\ufffdb \ufffd c' },
    })
  })

  it('is answered with what is wanted of this toolbox', async () => {
    const [mine] = await Promise.all([seedServer(toolbox.id), seedServer((await seedToolbox()).id)])
    await asSystem((db) =>
      db.instance.update({
        where: { id: mine.instanceId },
        data: { desired: 'stopped', fence: 7, restartNonce: 'n' },
      }),
    )
    const { body } = await beat()
    expect(body).toEqual({
      instances: [{ id: mine.instanceId, desired: 'stopped', fence: 7, restartNonce: 'n' }],
    })
  })

  it('of an instance that shall be absent ends it, and its server with it', async () => {
    const server = await seedServer(toolbox.id)
    await asSystem(async (db) => {
      await db.mcpServer.update({ where: { id: server.id }, data: { desired: 'deleted' } })
      await db.instance.update({ where: { id: server.instanceId }, data: { desired: 'absent' } })
    })
    await beat({ instances: [statusOf(server.instanceId, { state: 'removing', desired: 'absent' })] })
    expect(await rowOf('mcp_servers', server.id)).toMatchObject({ deleted_at: null })
    const { body } = await beat({
      sequence: 2,
      instances: [statusOf(server.instanceId, { state: 'absent', desired: 'absent' })],
    })
    expect(await rowOf('instances', server.instanceId)).toMatchObject({ gone_at: expect.any(Date) })
    expect(await rowOf('mcp_servers', server.id)).toMatchObject({ deleted_at: expect.any(Date) })
    expect(body).toEqual({ instances: [] })
  })
})

describe('a toolbox that falls silent', () => {
  const heardAgo = (seconds: number) =>
    query(database.adminUrl, `UPDATE toolboxes SET last_heartbeat_at = now() - make_interval(secs => $1)`, [
      seconds,
    ])

  it('stays active while its heartbeats come, although it cannot be called', async () => {
    await syncToolboxes()
    await heardAgo(40)
    await syncToolboxes()
    expect(await rowOf('toolboxes', toolbox.id)).toMatchObject({ state: 'active' })
  })

  it('for three heartbeats is unreachable with its servers, and the next heartbeat revives both', async () => {
    const server = await seedServer(toolbox.id)
    await heardAgo(46)
    await syncToolboxes()
    expect(await rowOf('toolboxes', toolbox.id)).toMatchObject({
      state: 'unreachable',
      failure: { code: 'TOOLBOX_UNREACHABLE', detail: expect.stringContaining('127.0.0.1:4') },
    })
    expect(await rowOf('mcp_servers', server.id)).toMatchObject({ observed: 'unreachable' })
    await syncToolboxes()
    expect(await rowOf('toolboxes', toolbox.id)).toMatchObject({ state: 'unreachable' })
    await beat({ instances: [statusOf(server.instanceId)] })
    expect(await rowOf('toolboxes', toolbox.id)).toMatchObject({ state: 'active', failure: null })
    expect(await rowOf('mcp_servers', server.id)).toMatchObject({ observed: 'running' })
  })

  it('leaves the others alone', async () => {
    const other = await seedToolbox()
    await query(
      database.adminUrl,
      `UPDATE toolboxes SET last_heartbeat_at = now() - interval '1 hour' WHERE id = $1`,
      [toolbox.id],
    )
    await syncToolboxes()
    expect(await rowOf('toolboxes', other.id)).toMatchObject({ state: 'active' })
  })

  it('and is not active yet is not revived by a heartbeat alone', async () => {
    await query(database.adminUrl, `UPDATE toolboxes SET state = 'enrolling'`)
    expect((await beat()).status).toBe(200)
    expect(await rowOf('toolboxes', toolbox.id)).toMatchObject({ state: 'enrolling' })
  })
})
