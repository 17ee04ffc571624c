import { beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import {
  seedAgent,
  seedPassedTest,
  seedServer,
  seedToolbox,
  seedUser,
  type TestServer,
  type TestUser,
  useSeededInstallation,
} from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { createConnection } = await import('#server/connections/create.ts')
const { disconnect } = await import('#server/connections/disconnect.ts')
const { deleteAgent } = await import('#server/agents/delete.ts')
const { loadGatewayRights, readRightsVersion } = await import('#server/agents/gateway-rights.ts')
const { grantServer, revokeServer } = await import('#server/mcp-servers/grant.ts')
const { deleteServer } = await import('#server/mcp-servers/want.ts')
const { updateUser } = await import('#server/users/update.ts')
const { hashToken } = await import('#server/secrets/tokens.ts')
const admin = await seedUser({ role: 'ADMIN' })
const toolbox = await seedToolbox()

interface Connected {
  user: TestUser
  agent: { id: string; token: string }
  id: string
  server: string
}
async function connected(user: TestUser, server: TestServer): Promise<Connected> {
  const agent = await seedAgent(user)
  const testId = await seedPassedTest(user, agent.id, server)
  const input = { agentId: agent.id, serverId: server.id, testId, prefixTools: true }
  const { id } = await createConnection({ ctx: user.ctx, input })
  return { user, agent, id, server: server.name }
}
const stateOf = async ({ id }: Connected) => {
  const [row] = await query<{ state: string }>(
    database.adminUrl,
    'SELECT state FROM connections WHERE id = $1',
    [id],
  )
  return row?.state
}
const usable = async ({ agent }: Connected) =>
  (await loadGatewayRights(hashToken(agent.token)))?.connections.length ?? null
/** What the owner was told of the end of the connection. */
const told = ({ id }: Connected) =>
  query(
    database.adminUrl,
    `SELECT audience, data FROM events WHERE subject_id = $1 AND type = 'connection.updated'`,
    [id],
  )
const toldOf = ({ user }: Connected, server: string) => [
  { audience: [`user:${user.id}`], data: { state: 'disconnected', serverName: server, agentName: 'agent' } },
]

/** Ends what is named, and shows that the owner was told and that every gateway will notice. */
async function ends(connection: Connected, act: () => Promise<unknown>): Promise<void> {
  expect({ state: await stateOf(connection), usable: await usable(connection) }).toEqual({
    state: 'connected',
    usable: 1,
  })
  const version = await readRightsVersion()
  await act()
  expect(await stateOf(connection)).toBe('disconnected')
  expect(await usable(connection)).not.toBe(1)
  expect(await readRightsVersion()).toBeGreaterThan(version)
  expect(await told(connection)).toEqual(toldOf(connection, connection.server))
}

let alice: TestUser
let bob: TestUser
let hidden: TestServer
beforeEach(async () => {
  ;[alice, bob] = await Promise.all([seedUser(), seedUser()])
  hidden = await seedServer(toolbox.id, { visibility: 'restricted', grants: [alice.id, bob.id] })
})

describe('a connection ends', () => {
  it('when its owner says so, and for nobody else', async () => {
    const one = await connected(alice, hidden)
    for (const other of [bob, admin]) {
      const refusal = await refusalOf(disconnect({ ctx: other.ctx, input: { id: one.id } }))
      expect(refusal).toMatchObject({ code: 'NOT_FOUND' })
    }
    await ends(one, () => disconnect({ ctx: alice.ctx, input: { id: one.id } }))
  })

  it('when its owner loses the grant, and no other connection with it', async () => {
    const lost = await connected(alice, hidden)
    const others = [
      await connected(bob, hidden),
      await connected(alice, await seedServer(toolbox.id)),
      await connected(alice, await seedServer(toolbox.id, { visibility: 'restricted', grants: [alice.id] })),
    ]
    const input = { id: hidden.id, userId: alice.id }
    await ends(lost, () => revokeServer({ ctx: admin.ctx, input }))
    for (const other of others) expect(await stateOf(other)).toBe('connected')
    await revokeServer({ ctx: admin.ctx, input })
    await grantServer({ ctx: admin.ctx, input })
    expect(await stateOf(lost)).toBe('disconnected')
    const testId = await seedPassedTest(alice, lost.agent.id, hidden)
    const again = { agentId: lost.agent.id, serverId: hidden.id, testId, prefixTools: true }
    expect(await createConnection({ ctx: alice.ctx, input: again })).toMatchObject({ state: 'connected' })
  })

  it('not when a grant goes that it did not need', async () => {
    const open = await seedServer(toolbox.id, { grants: [alice.id] })
    const one = await connected(alice, open)
    await revokeServer({ ctx: admin.ctx, input: { id: open.id, userId: alice.id } })
    expect(await stateOf(one)).toBe('connected')
    const admins = await connected(admin, hidden)
    await grantServer({ ctx: admin.ctx, input: { id: hidden.id, userId: admin.id } })
    await revokeServer({ ctx: admin.ctx, input: { id: hidden.id, userId: admin.id } })
    expect(await stateOf(admins)).toBe('connected')
  })

  it('when an admin who saw the server as an admin is one no longer', async () => {
    const second = await seedUser({ role: 'ADMIN' })
    const one = await connected(second, hidden)
    const open = await connected(second, await seedServer(toolbox.id))
    await ends(one, () => updateUser({ ctx: admin.ctx, input: { id: second.id, role: 'USER' } }))
    expect(await stateOf(open)).toBe('connected')
  })

  it('when its server is deleted', async () => {
    const one = await connected(alice, hidden)
    await ends(one, () =>
      deleteServer({ ctx: admin.ctx, input: { id: hidden.id, confirmName: hidden.name } }),
    )
  })

  it('when its server becomes restricted, for those without a grant', async () => {
    const open = await seedServer(toolbox.id, { grants: [bob.id] })
    const [lost, kept] = [await connected(alice, open), await connected(bob, open)]
    await ends(lost, () =>
      query(database.adminUrl, `UPDATE mcp_servers SET visibility = 'restricted' WHERE id = $1`, [open.id]),
    )
    expect(await stateOf(kept)).toBe('connected')
  })

  it('with its agent', async () => {
    const one = await connected(alice, hidden)
    await deleteAgent({ ctx: alice.ctx, input: { id: one.agent.id } })
    expect({ state: await stateOf(one), usable: await usable(one) }).toEqual({
      state: 'disconnected',
      usable: null,
    })
  })

  it('not while its user is disabled, but cannot be used', async () => {
    const one = await connected(alice, hidden)
    const version = await readRightsVersion()
    await updateUser({ ctx: admin.ctx, input: { id: alice.id, disabled: true } })
    expect({ state: await stateOf(one), usable: await usable(one) }).toEqual({
      state: 'connected',
      usable: null,
    })
    expect(await readRightsVersion()).toBeGreaterThan(version)
    await updateUser({ ctx: admin.ctx, input: { id: alice.id, disabled: false } })
    expect(await usable(one)).toBe(1)
  })
})
