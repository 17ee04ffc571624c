import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CallOutcome } from '#contracts/calls.ts'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { seedAgent, seedServer, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { listCalls } = await import('./list.ts')
const { agentUsage, serverUsage } = await import('./usage.ts')
const [admin, alice, bob] = await Promise.all([seedUser({ role: 'ADMIN' }), seedUser(), seedUser()])
const agent = await seedAgent(alice)
const server = await seedServer((await seedToolbox()).id)
const connection = randomUUID()
const gone = randomUUID()

interface Made {
  agoMinutes?: number
  tool?: string
  outcome?: CallOutcome
  ms?: number
  serverId?: string
}
async function made(calls: Made[]): Promise<void> {
  for (const { agoMinutes = 1, tool = 'echo', outcome = 'ok', ms = 10, serverId = server.id } of calls)
    await query(
      database.adminUrl,
      `INSERT INTO calls (id, at, agent_id, connection_id, server_id, user_id, tool, outcome, ms, request_bytes, response_bytes)
       VALUES ($1, now() - make_interval(mins => $2), $3, $4, $5, $6, $7, $8, $9, 100, 1000)`,
      [randomUUID(), agoMinutes, agent.id, connection, serverId, alice.id, tool, outcome, ms],
    )
}
const list = (input: Partial<Parameters<typeof listCalls>[0]['input']> = {}, ctx = alice.ctx) =>
  listCalls({ ctx, input: { id: connection, limit: 50, ...input } })

beforeAll(async () => {
  await query(
    database.adminUrl,
    `INSERT INTO connections (id, agent_id, server_id, user_id, slug) VALUES ('${connection}', '${agent.id}', '${server.id}', '${alice.id}', 'one')`,
  )
  await made([
    ...Array.from({ length: 10 }, (_, at) => ({ agoMinutes: at + 1, ms: (at + 1) * 10 })),
    { agoMinutes: 20, tool: 'fail', outcome: 'tool_error', ms: 500 },
    { agoMinutes: 21, tool: 'fail', outcome: 'failed', ms: 60_000 },
    { agoMinutes: 22, outcome: 'refused', ms: 0 },
    { agoMinutes: 3 * 24 * 60, tool: 'old', ms: 7 },
    { agoMinutes: 20 * 24 * 60, tool: 'older', ms: 9, serverId: gone },
  ])
})

describe('the calls of a connection', () => {
  it('are told newest first', async () => {
    const { items, next } = await list()
    expect(items).toHaveLength(15)
    expect(next).toBeNull()
    expect(items[0]).toEqual({
      id: expect.any(String),
      at: expect.any(String),
      agentId: agent.id,
      connectionId: connection,
      serverId: server.id,
      tool: 'echo',
      outcome: 'ok',
      code: null,
      ms: 10,
      requestBytes: 100,
      responseBytes: 1000,
      arguments: null,
      via: null,
    })
    expect(items.map(({ at }) => at)).toEqual(
      items
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    )
  })

  it('come in pages that leave out none and repeat none, also of calls at one time', async () => {
    await query(database.adminUrl, `UPDATE calls SET at = date_trunc('minute', now()) WHERE tool = 'echo'`)
    const all = (await list()).items.map(({ id }) => id)
    const paged: string[] = []
    let cursor: string | undefined
    do {
      const page = await list({ limit: 4, ...(cursor !== undefined && { cursor }) })
      paged.push(...page.items.map(({ id }) => id))
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    expect(paged).toEqual(all)
  })

  it('can be those of one tool or with one outcome', async () => {
    expect((await list({ tool: 'fail' })).items.map(({ outcome }) => outcome)).toEqual([
      'tool_error',
      'failed',
    ])
    expect((await list({ outcome: 'refused' })).items).toHaveLength(1)
    expect((await list({ tool: 'echo', outcome: 'failed' })).items).toEqual([])
  })

  it('are not another’s, nor after a cursor that is none', async () => {
    for (const ctx of [bob.ctx, admin.ctx])
      expect(await refusalOf(list({}, ctx))).toMatchObject({ code: 'NOT_FOUND' })
    for (const cursor of ['x', `2026-01-01_${'-'.repeat(36)}`, `x_${randomUUID()}`])
      expect(await refusalOf(list({ cursor }))).toMatchObject({
        code: 'BAD_REQUEST',
        fields: { cursor: expect.anything() },
      })
  })
})

describe('usage', () => {
  it('of an agent over a day has its totals, an hour’s figures for every hour, and each tool’s', async () => {
    const usage = await agentUsage({ ctx: alice.ctx, input: { id: agent.id, range: '24h' } })
    expect(usage.total).toEqual({ calls: 13, errors: 2, p50: 60, p95: 500, bytes: 13 * 1100 })
    expect(usage.series).toHaveLength(24)
    expect(usage.series.reduce((sum, { calls }) => sum + calls, 0)).toBe(13)
    expect(usage.series[0]).toMatchObject({ calls: 0, p50: null, bytes: 0 })
    expect(usage.tools).toMatchObject([
      {
        connectionId: connection,
        serverId: server.id,
        serverName: server.name,
        tool: 'echo',
        calls: 11,
        errors: 0,
      },
      { tool: 'fail', calls: 2, errors: 2, p50: 500 },
    ])
  })

  it.each([
    ['7d', 7, 14],
    ['30d', 30, 15],
  ] as const)('over %s comes day by day', async (range, days, calls) => {
    const usage = await agentUsage({ ctx: alice.ctx, input: { id: agent.id, range } })
    const starts = usage.series.map(({ from }) => Date.parse(from))
    expect(starts.slice(1).map((start, at) => start - (starts[at] ?? 0))).toEqual(
      Array.from({ length: days - 1 }, () => 86_400_000),
    )
    expect(usage.series.reduce((sum, point) => sum + point.calls, 0)).toBe(calls)
    expect(usage.total.calls).toBe(calls)
    expect(usage.tools.some(({ serverId, serverName }) => serverId === gone && serverName === null)).toBe(
      range === '30d',
    )
  })

  it('of a server is an admin’s, and an agent’s is its owner’s', async () => {
    const of = (ctx = admin.ctx) => serverUsage({ ctx, input: { id: server.id, range: '30d' } })
    expect((await of()).total.calls).toBe(14)
    for (const ctx of [bob.ctx, admin.ctx])
      expect(await refusalOf(agentUsage({ ctx, input: { id: agent.id, range: '24h' } }))).toMatchObject({
        code: 'NOT_FOUND',
      })
  })
})
