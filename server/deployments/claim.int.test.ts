import { beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { seedServer, seedToolbox, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { ClaimLost, claimServer, LEASE_SECONDS, releaseClaim, underClaim } = await import(
  '#server/deployments/claim.ts'
)
const server = await seedServer((await seedToolbox()).id)

const row = async () => {
  const [found] = await query<{
    fence: number
    held: boolean
    left: number | null
    description: string | null
  }>(
    database.adminUrl,
    `SELECT fence, lease_expires_at > clock_timestamp() AS held, description,
       extract(epoch FROM lease_expires_at - clock_timestamp())::float8 AS left FROM mcp_servers`,
  )
  if (!found) throw new Error('no server')
  return found
}
/** As if the holder had been frozen until its lease ran out. */
const expire = () =>
  query(
    database.adminUrl,
    `UPDATE mcp_servers SET lease_expires_at = clock_timestamp() - interval '1 millisecond'`,
  )
const claim = async () => {
  const held = await claimServer(server.id)
  if (!held) throw new Error('not claimed')
  return held
}
const describeAs = (holder: Awaited<ReturnType<typeof claim>>, description: string) =>
  underClaim(holder, (db) => db.mcpServer.update({ where: { id: server.id }, data: { description } }))

beforeEach(() =>
  query(database.adminUrl, 'UPDATE mcp_servers SET fence = 1, lease_expires_at = NULL, description = NULL'),
)

describe('a claim', () => {
  it('takes the lease with the next fence, by the clock of the database', async () => {
    expect(await claim()).toEqual({ serverId: server.id, fence: 2 })
    const { fence, held, left } = await row()
    expect({ fence, held }).toEqual({ fence: 2, held: true })
    expect(left).toBeGreaterThan(LEASE_SECONDS - 10)
    expect(left).toBeLessThanOrEqual(LEASE_SECONDS)
  })

  it('is refused while somebody else holds it, and takes no fence then', async () => {
    await claim()
    expect(await claimServer(server.id)).toBeNull()
    expect((await row()).fence).toBe(2)
  })

  it('has one winner among many at once', async () => {
    const claims = await Promise.all(Array.from({ length: 20 }, () => claimServer(server.id)))
    expect(claims.filter((one) => one !== null)).toEqual([{ serverId: server.id, fence: 2 }])
  })

  it('can be taken at once when it was given back, with a higher fence', async () => {
    await releaseClaim(await claim())
    expect(await claim()).toMatchObject({ fence: 3 })
  })

  it('can be taken over when it ran out, with a higher fence', async () => {
    await claim()
    await expire()
    expect(await claim()).toMatchObject({ fence: 3 })
  })

  it('of a server that does not exist is not taken', async () => {
    expect(await claimServer(crypto.randomUUID())).toBeNull()
  })
})

describe('writing under a claim', () => {
  it('renews the lease', async () => {
    const holder = await claim()
    await query(
      database.adminUrl,
      `UPDATE mcp_servers SET lease_expires_at = clock_timestamp() + interval '1 second'`,
    )
    await describeAs(holder, 'written')
    const { description, left } = await row()
    expect(description).toBe('written')
    expect(left).toBeGreaterThan(LEASE_SECONDS - 10)
  })

  it('is still right after the lease ran out, as long as nobody took it', async () => {
    const holder = await claim()
    await expire()
    await describeAs(holder, 'late')
    expect(await row()).toMatchObject({ description: 'late', held: true })
    expect(await claimServer(server.id)).toBeNull()
  })

  it('changes nothing once somebody else took it', async () => {
    const frozen = await claim()
    await expire()
    const successor = await claim()
    await describeAs(successor, 'successor')
    const before = await checksumTables(database.adminUrl)
    await expect(describeAs(frozen, 'frozen')).rejects.toBeInstanceOf(ClaimLost)
    await releaseClaim(frozen)
    expect(await checksumTables(database.adminUrl)).toEqual(before)
    await describeAs(successor, 'still')
    expect((await row()).description).toBe('still')
  })

  it('changes nothing once it was given back', async () => {
    const holder = await claim()
    await releaseClaim(holder)
    const before = await checksumTables(database.adminUrl)
    await expect(describeAs(holder, 'after')).rejects.toBeInstanceOf(ClaimLost)
    expect(await checksumTables(database.adminUrl)).toEqual(before)
  })

  it('leaves nothing when the work throws', async () => {
    const holder = await claim()
    const failing = underClaim(holder, async (db) => {
      await db.mcpServer.update({ where: { id: server.id }, data: { description: 'half' } })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect((await row()).description).toBeNull()
  })

  it('is refused when an admin’s wish has passed it, which ends the lease', async () => {
    const holder = await claim()
    const { stopServer } = await import('#server/mcp-servers/want.ts')
    const { seedUser } = await import('#testing/seeded.ts')
    const admin = await seedUser({ role: 'ADMIN' })
    await stopServer({ ctx: admin.ctx, input: { id: server.id } })
    await expect(describeAs(holder, 'worker')).rejects.toBeInstanceOf(ClaimLost)
    const [instance] = await query<{ fence: number; desired: string }>(
      database.adminUrl,
      'SELECT fence, desired FROM instances',
    )
    expect(instance?.desired).toBe('stopped')
    expect(instance?.fence).toBeGreaterThan(holder.fence)
    expect(await claim()).toMatchObject({ fence: (instance?.fence ?? 0) + 1 })
  })

  it('waits for a claim that is being taken, and loses to it', async () => {
    const frozen = await claim()
    await expire()
    const outcomes = await Promise.allSettled([claimServer(server.id), describeAs(frozen, 'raced')])
    const won = outcomes[0].status === 'fulfilled' && outcomes[0].value !== null
    const wrote = outcomes[1].status === 'fulfilled'
    // Whoever was first keeps it: never both, never neither.
    expect(won).not.toBe(wrote)
  })
})
