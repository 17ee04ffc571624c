import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { seedAgent, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
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
