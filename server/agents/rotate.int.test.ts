import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import {
  seedAgent,
  seedPassedTest,
  seedServer,
  seedToolbox,
  seedUser,
  useSeededInstallation,
} from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { pruneTokens } = await import('./prune-tokens.ts')
const { createConnection } = await import('#server/connections/create.ts')
const { disconnect } = await import('#server/connections/disconnect.ts')
const { rotateAgentToken, updateAgent } = await import('./update.ts')
const { getAgent } = await import('./list.ts')
const { loadGatewayRights, readRightsVersion } = await import('./gateway-rights.ts')
const { hashToken } = await import('#server/secrets/tokens.ts')
const alice = await seedUser()
const rightsOf = (token: string) => loadGatewayRights(hashToken(token))

describe('a new token', () => {
  it('ends the one before it at once', async () => {
    const { id, token: old } = await seedAgent(alice)
    const before = await readRightsVersion()
    const { token, previousTokenUntil } = await rotateAgentToken({
      ctx: alice.ctx,
      input: { id, overlapMinutes: 0 },
    })
    expect(previousTokenUntil).toBeNull()
    expect(await rightsOf(old)).toBeNull()
    expect(await rightsOf(token)).toMatchObject({ agentId: id, expiresAt: null, via: null })
    expect(await readRightsVersion()).toBeGreaterThan(before)
  })

  it('lets the one before it count for the chosen time, and no older one', async () => {
    const { id, token: first } = await seedAgent(alice)
    const rotate = () => rotateAgentToken({ ctx: alice.ctx, input: { id, overlapMinutes: 15 } })
    const { token: second, previousTokenUntil } = await rotate()
    expect(Date.parse(previousTokenUntil ?? '')).toBeGreaterThan(Date.now() + 14 * 60_000)
    expect(await rightsOf(first)).toMatchObject({ agentId: id, expiresAt: previousTokenUntil })
    expect(await rightsOf(second)).toMatchObject({ agentId: id, expiresAt: null })
    const { token: third } = await rotate()
    expect(await rightsOf(first)).toBeNull()
    expect(await rightsOf(second)).toMatchObject({ agentId: id })
    expect(await rightsOf(third)).toMatchObject({ agentId: id })
    await query(
      database.adminUrl,
      `UPDATE agents SET previous_token_expires_at = now() - interval '1 second' WHERE id = '${id}'`,
    )
    expect(await rightsOf(second)).toBeNull()
    const shown = await getAgent({ ctx: alice.ctx, input: { id } })
    expect(shown.previousTokenUntil).toBeNull()
  })
})

it('a token whose overlap is over is forgotten, and every gateway notices; one that counts stays', async () => {
  const [over, counting] = [await seedAgent(alice), await seedAgent(alice)]
  for (const { id } of [over, counting])
    await rotateAgentToken({ ctx: alice.ctx, input: { id, overlapMinutes: 15 } })
  await query(
    database.adminUrl,
    `UPDATE agents SET previous_token_expires_at = now() - interval '1 second' WHERE id = '${over.id}'`,
  )
  const before = await readRightsVersion()
  await pruneTokens()
  expect(await readRightsVersion()).toBeGreaterThan(before)
  const kept = `SELECT id FROM agents WHERE previous_token_hash IS NOT NULL AND id IN ('${over.id}', '${counting.id}')`
  expect(await query(database.adminUrl, kept)).toEqual([{ id: counting.id }])
  const after = await readRightsVersion()
  await pruneTokens()
  expect(await readRightsVersion()).toBe(after)
})

it('an agent is shown with all that ends with it', async () => {
  const agent = await seedAgent(alice)
  const server = await seedServer((await seedToolbox()).id)
  const testId = await seedPassedTest(alice, agent.id, server)
  const input = { agentId: agent.id, serverId: server.id, testId, prefixTools: true }
  const { id } = await createConnection({ ctx: alice.ctx, input })
  const shown = () => getAgent({ ctx: alice.ctx, input: { id: agent.id } })
  expect(await shown()).toMatchObject({
    connectionCount: 1,
    calls: 0,
    connections: [
      { id, slug: server.name, server: { name: server.name, state: 'running' }, state: 'connected', held: 0 },
    ],
  })
  await disconnect({ ctx: alice.ctx, input: { id } })
  expect(await shown()).toMatchObject({ connectionCount: 0, connections: [] })
})

it('limits of an agent are its owner’s to set, and reach the gateway', async () => {
  const { id, token } = await seedAgent(alice)
  const input = { id, callsPerMinute: 5, maxConcurrent: 2 }
  expect(await updateAgent({ ctx: alice.ctx, input })).toMatchObject({ name: 'agent', callsPerMinute: 5 })
  expect(await rightsOf(token)).toMatchObject({ callsPerMinute: 5, maxConcurrent: 2 })
  await updateAgent({ ctx: alice.ctx, input: { id, callsPerMinute: null } })
  expect(await rightsOf(token)).toMatchObject({ callsPerMinute: null, maxConcurrent: 2 })
})

describe('a ticket', () => {
  it('calls as the agent for a while, and says so', async () => {
    const { id } = await seedAgent(alice)
    const bob = await seedUser()
    const insert = (hash: Buffer, user: string, expires: string) =>
      query(
        database.adminUrl,
        `INSERT INTO agent_tickets (hash, agent_id, user_id, expires_at) VALUES ($1, $2, $3, now() + $4::interval)`,
        [hash, id, user, expires],
      )
    await insert(hashToken('good'), alice.id, '1 minute')
    await insert(hashToken('late'), alice.id, '-1 second')
    await insert(hashToken('another’s'), bob.id, '1 minute')
    expect(await rightsOf('good')).toMatchObject({
      agentId: id,
      via: 'inspector',
      expiresAt: expect.any(String),
    })
    expect(await rightsOf('late')).toBeNull()
    expect(await rightsOf('another’s')).toBeNull()
  })
})
