import { expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { seedServer, seedToolbox, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { ClaimLost, claimServer, releaseClaim, underClaim } = await import('./claim.ts')

const newServer = async () => (await seedServer((await seedToolbox()).id)).id
const expire = (id: string) =>
  query(
    database.adminUrl,
    "UPDATE mcp_servers SET lease_expires_at = now() - interval '1 second' WHERE id = $1",
    [id],
  )
const leaseOf = (id: string) =>
  query(database.adminUrl, 'SELECT fence, lease_expires_at FROM mcp_servers WHERE id = $1', [id])

it('is held by one at a time, and given back at once', async () => {
  const id = await newServer()
  const claim = await claimServer(id)
  expect(claim).toMatchObject({ serverId: id, fence: expect.any(Number) })
  expect(await claimServer(id)).toBeNull()
  if (claim) await releaseClaim(claim)
  expect((await claimServer(id))?.fence).toBeGreaterThan(claim?.fence ?? Number.NaN)
})

it('is won by one of many', async () => {
  const id = await newServer()
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimServer(id)))
  expect(claims.filter((claim) => claim !== null)).toHaveLength(1)
})

it('lets its former holder write nothing, nor give back what is another one’s', async () => {
  const id = await newServer()
  const former = await claimServer(id)
  await expire(id)
  const successor = await claimServer(id)
  if (!former || !successor) throw new Error('not claimed')
  const before = await leaseOf(id)
  const write = underClaim(former, (db) =>
    db.mcpServer.update({ where: { id }, data: { description: 'stale' } }),
  )
  await expect(write).rejects.toThrow(ClaimLost)
  await releaseClaim(former)
  expect(await leaseOf(id)).toEqual(before)
  await underClaim(successor, (db) => db.mcpServer.update({ where: { id }, data: { description: 'new' } }))
  expect(await query(database.adminUrl, 'SELECT description FROM mcp_servers WHERE id = $1', [id])).toEqual([
    { description: 'new' },
  ])
})

it('can be written under past its time as long as nobody else took it', async () => {
  const id = await newServer()
  const claim = await claimServer(id)
  await expire(id)
  if (!claim) throw new Error('not claimed')
  await expect(underClaim(claim, async () => 'written')).resolves.toBe('written')
  expect(await claimServer(id)).toBeNull()
})
