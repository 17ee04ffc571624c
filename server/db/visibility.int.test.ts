import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { openAppSession, REFUSED, type SqlActor, type SqlOutcome } from '#testing/app-session.ts'
import { query } from '#testing/database.ts'
import { seedAgent, seedServer, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()

const [alice, bob] = await Promise.all([seedUser(), seedUser()])
const ACTORS = {
  nobody: { kind: '', id: '' },
  alice: { kind: 'user', id: alice.id },
  bob: { kind: 'user', id: bob.id },
  system: { kind: 'system', id: '' },
} satisfies Record<string, SqlActor>
const toolbox = await seedToolbox()
const open = await seedServer(toolbox.id)
const hidden = await seedServer(toolbox.id, { visibility: 'restricted', grants: [alice.id] })
const [agent, bobsAgent] = await Promise.all([seedAgent(alice), seedAgent(bob)])

const session = await openAppSession(database.appUrl)
afterAll(() => session.close())
const as = (actor: keyof typeof ACTORS, sql: string) => session.as(ACTORS[actor], sql)

const namesOf = (outcome: SqlOutcome) => outcome.rows.map((row) => String(row.name)).toSorted()

describe('restricted servers', () => {
  const visible = 'SELECT s.name FROM mcp_servers s'
  it('are hidden, with their tools, from who has no grant', async () => {
    expect(namesOf(await as('alice', visible))).toEqual([open.name, hidden.name].toSorted())
    expect(namesOf(await as('bob', visible))).toEqual([open.name])
    expect(namesOf(await as('nobody', visible))).toEqual([])
    expect((await as('bob', 'SELECT server_id FROM mcp_server_tools')).rows).toEqual([{ server_id: open.id }])
    expect((await as('bob', `SELECT app.can_see_server('${hidden.id}') AS it`)).rows).toEqual([{ it: false }])
  })

  it('cannot be connected to or tested without a grant, nor through somebody else’s agent or name', async () => {
    const connect = (agentId: string, serverId: string, userId: string) =>
      `INSERT INTO connections (agent_id, server_id, user_id, slug) VALUES ('${agentId}', '${serverId}', '${userId}', 'mine')`
    expect(await as('bob', connect(bobsAgent.id, hidden.id, bob.id))).toMatchObject({ error: REFUSED })
    expect(await as('bob', connect(agent.id, open.id, bob.id))).toMatchObject({ error: REFUSED })
    expect(await as('bob', connect(bobsAgent.id, open.id, alice.id))).toMatchObject({ error: REFUSED })
    expect(await as('bob', connect(bobsAgent.id, open.id, bob.id))).toMatchObject({ error: null, count: 1 })
    const probe = (agentId: string, serverId: string, state: string) =>
      `INSERT INTO connection_tests (agent_id, server_id, user_id, state) VALUES ('${agentId}', '${serverId}', '${bob.id}', '${state}')`
    expect(await as('bob', probe(bobsAgent.id, hidden.id, 'queued'))).toMatchObject({ error: REFUSED })
    expect(await as('bob', probe(agent.id, open.id, 'queued'))).toMatchObject({ error: REFUSED })
  })

  it('cannot be reached by turning a connection round', async () => {
    await query(
      database.adminUrl,
      `INSERT INTO connections (agent_id, server_id, user_id, slug) VALUES ('${bobsAgent.id}', '${open.id}', '${bob.id}', 'turn')`,
    )
    const turn = (set: string) => as('bob', `UPDATE connections SET ${set} WHERE slug = 'turn'`)
    expect(await turn(`server_id = '${hidden.id}'`)).toMatchObject({ error: REFUSED })
    expect(await turn(`agent_id = '${agent.id}'`)).toMatchObject({ error: REFUSED })
    expect(await turn(`user_id = '${alice.id}'`)).toMatchObject({ error: REFUSED })
    expect(await turn(`state = 'disconnected', disconnected_at = now()`)).toMatchObject({
      error: null,
      count: 1,
    })
  })
})

describe('users', () => {
  it('may rename themselves, and not raise or free themselves', async () => {
    const update = (set: string) => as('alice', `UPDATE users SET ${set} WHERE id = '${alice.id}'`)
    expect(await update("name = 'Alice', password_hash = 'x', session_version = 2")).toMatchObject({
      count: 1,
    })
    expect(await update("role = 'ADMIN'")).toMatchObject({ error: REFUSED })
    expect(await update("email = 'other@example.test'")).toMatchObject({ error: REFUSED })
    expect(await update('disabled_at = now()')).toMatchObject({ error: REFUSED })
    expect(await update(`id = '${randomUUID()}'`)).toMatchObject({ error: REFUSED })
    expect(await as('bob', `UPDATE users SET name = 'x' WHERE id = '${alice.id}'`)).toMatchObject({
      count: 0,
    })
  })

  it('cannot write a test that passed, which only a worker may', async () => {
    const passed = `INSERT INTO connection_tests (agent_id, server_id, user_id, state, finished_at)
      VALUES ('${agent.id}', '${open.id}', '${alice.id}', 'passed', now())`
    expect(await as('alice', passed)).toMatchObject({ error: REFUSED })
    expect(await as('system', passed)).toMatchObject({ error: null })
  })
})

describe('the audit', () => {
  it('has something in it', async () => {
    const [row] = await query<{ n: number }>(
      database.adminUrl,
      'SELECT count(*)::int AS n FROM audit_entries',
    )
    expect(row?.n).toBeGreaterThan(0)
  })

  it.each(['appUrl', 'ownerUrl', 'adminUrl'] as const)('only grows, for %s too', async (url) => {
    const refused = { code: REFUSED }
    await expect(query(database[url], "UPDATE audit_entries SET actor = 'x'")).rejects.toMatchObject(refused)
    await expect(query(database[url], 'DELETE FROM audit_entries')).rejects.toMatchObject(refused)
    await expect(query(database[url], 'TRUNCATE audit_entries')).rejects.toMatchObject(refused)
  })
})
