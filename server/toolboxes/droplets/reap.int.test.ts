import { beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { useDropletInstallation } from '#testing/digitalocean/installation.ts'
import { asSystem } from '#testing/seeded.ts'

const { simulator, admin, start, database, redis } = await useDropletInstallation({
  account: { pageSize: 3, dropletLimit: 100 },
})
const { reapDroplets } = await import('./reap.ts')
const { decideReap } = await import('./decide-reap.ts')
const { getCloudStatus } = await import('./cloud-status.ts')
const { ctx } = admin
const { id: installationId } = await asSystem((db) => db.installation.findFirstOrThrow())
const OURS = ['toolberth', `tb-installation-${installationId}`]
const FORGOTTEN = 'tb-0e3a5e4c-0f0e-4a6f-8f0c-0123456789ab'

beforeEach(async () => {
  await query(database.adminUrl, 'DELETE FROM cloud_reaper')
  await query(database.adminUrl, "UPDATE droplets SET step = 'gone'")
  await redis.flush()
})

/** So many active droplet toolboxes, old enough for the reaper. */
async function fleet(size: number): Promise<{ toolboxId: string; dropletId: number }[]> {
  const boxes = await Promise.all(
    Array.from({ length: size }, async () => {
      const { id } = await start()
      const { id: dropletId } = simulator.plant({ name: `tb-${id}`, tags: OURS })
      await asSystem((db) =>
        db.droplet.update({ where: { toolboxId: id }, data: { step: 'ready', dropletId } }),
      )
      return { toolboxId: id, dropletId }
    }),
  )
  return boxes.toSorted((a, b) => a.dropletId - b.dropletId)
}
const there = () => [...simulator.droplets.keys()].toSorted((a, b) => a - b)
const paused = async () => (await getCloudStatus({ ctx })).paused

describe('the reaper', () => {
  it('destroys, by id, a droplet too many of a toolbox, and says so in the audit', async () => {
    const boxes = await fleet(1)
    const extra = simulator.plant({ name: `tb-${boxes[0]?.toolboxId}`, tags: OURS })
    simulator.requests.length = 0
    await reapDroplets()
    expect(there()).toEqual(boxes.map(({ dropletId }) => dropletId))
    expect(simulator.requests.filter((one) => one.startsWith('DELETE'))).toEqual([
      `DELETE /v2/droplets/${extra.id}`,
    ])
    const entries = await query(
      database.adminUrl,
      `SELECT actor, detail->>'name' AS name FROM audit_entries WHERE action = 'droplet.reap' AND subject_id = $1`,
      [String(extra.id)],
    )
    expect(entries).toEqual([{ actor: 'system:reaper', name: extra.name }])
  })

  it('destroys one whose toolbox is gone, wherever it is in the list', async () => {
    const boxes = await fleet(7)
    const gone = await start()
    await asSystem((db) => db.droplet.update({ where: { toolboxId: gone.id }, data: { step: 'gone' } }))
    simulator.plant({ name: `tb-${gone.id}`, tags: OURS })
    await reapDroplets()
    expect(there()).toEqual(boxes.map(({ dropletId }) => dropletId))
  })

  it('leaves one alone that is young, or that a row is looking for', async () => {
    await fleet(1)
    const making = await start()
    simulator.plant({ name: `tb-${making.id}`, tags: OURS })
    const gone = await start()
    await asSystem((db) => db.droplet.update({ where: { toolboxId: gone.id }, data: { step: 'gone' } }))
    simulator.plant({ name: `tb-${gone.id}`, tags: OURS, createdAt: new Date() })
    const before = there()
    await reapDroplets()
    expect(there()).toEqual(before)
    expect(await paused()).toBeNull()
  })

  it('never touches what another installation or anybody else has, whatever it is called', async () => {
    await fleet(2)
    for (const tags of [
      [],
      ['toolberth'],
      ['toolberth', 'tb-installation-another'],
      [`tb-installation-${installationId}-2`],
      [`tb-installation-${installationId}`.slice(0, -1)],
      [`TB-INSTALLATION-${installationId}`],
    ])
      simulator.plant({ name: FORGOTTEN, tags })
    const before = there()
    await reapDroplets()
    // Not even when the list gives more than was asked for.
    simulator.ignoreTags(true)
    await reapDroplets()
    simulator.ignoreTags(false)
    expect(there()).toEqual(before)
    expect(await paused()).toBeNull()
  })

  it('waits for an admin before it destroys more than a fifth', async () => {
    const boxes = await fleet(6)
    const extra = [0, 1].map(() => simulator.plant({ name: `tb-${boxes[0]?.toolboxId}`, tags: OURS }).id)
    await reapDroplets()
    expect(await paused()).toMatchObject({ reason: 'many', candidates: extra.map((id) => ({ id })) })
    expect(there()).toEqual(expect.arrayContaining(extra))
    // Nor does it slip through later, when it is a smaller share.
    await fleet(10)
    await reapDroplets()
    expect(there()).toEqual(expect.arrayContaining(extra))
    await decideReap({ ctx, input: { destroy: extra, keep: [] } })
    await reapDroplets()
    expect(there()).not.toEqual(expect.arrayContaining(extra))
    expect(there()).toHaveLength(16)
    expect(await paused()).toBeNull()
  })

  it('waits for an admin when no row remembers one, and never asks again about what is kept', async () => {
    const boxes = await fleet(1)
    const unknown = simulator.plant({ name: FORGOTTEN, tags: OURS })
    await reapDroplets()
    expect(await paused()).toMatchObject({
      reason: 'unknown',
      candidates: [{ id: unknown.id, name: FORGOTTEN, remembered: false }],
    })
    const later = simulator.plant({ name: `tb-${boxes[0]?.toolboxId}`, tags: OURS })
    await reapDroplets()
    await expect(decideReap({ ctx, input: { destroy: [], keep: [unknown.id] } })).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await decideReap({ ctx, input: { destroy: [later.id], keep: [unknown.id] } })
    await expect(
      decideReap({ ctx, input: { destroy: [later.id], keep: [unknown.id] } }),
    ).rejects.toMatchObject({ code: 'CONFLICT' })
    await reapDroplets()
    await reapDroplets()
    expect(there()).toEqual([boxes[0]?.dropletId, unknown.id])
    expect(await paused()).toBeNull()
  })

  it('goes on by itself when what it asked about is gone', async () => {
    const unknown = simulator.plant({ name: FORGOTTEN, tags: OURS })
    await reapDroplets()
    expect(await paused()).not.toBeNull()
    simulator.droplets.delete(unknown.id)
    await reapDroplets()
    expect(await paused()).toBeNull()
  })

  it.each([
    ['set back', 'UPDATE cloud_reaper SET turns = turns - 2'],
    ['of another epoch', 'UPDATE installation SET epoch = gen_random_uuid()'],
  ])('waits for an admin when the database was %s, whatever it finds', async (_what, restore) => {
    const boxes = await fleet(9)
    await reapDroplets()
    await reapDroplets()
    await query(database.adminUrl, restore)
    const extra = simulator.plant({ name: `tb-${boxes[0]?.toolboxId}`, tags: OURS })
    await reapDroplets()
    await reapDroplets()
    expect(await paused()).toMatchObject({ reason: 'restored', candidates: [{ id: extra.id }] })
    expect(there()).toContain(extra.id)
    await decideReap({ ctx, input: { destroy: [extra.id], keep: [] } })
    await reapDroplets()
    expect(there()).toEqual(boxes.map(({ dropletId }) => dropletId))
    expect(await paused()).toBeNull()
  })

  it('is one at a time, and does nothing while the list cannot be had', async () => {
    const boxes = await fleet(1)
    const extra = simulator.plant({ name: `tb-${boxes[0]?.toolboxId}`, tags: OURS })
    simulator.faults.always(({ method }) => method === 'GET', 'error-before')
    await reapDroplets()
    simulator.faults.clear()
    expect(there()).toContain(extra.id)
    simulator.requests.length = 0
    await Promise.all([reapDroplets(), reapDroplets(), reapDroplets()])
    expect(simulator.requests.filter((one) => one.startsWith('DELETE'))).toHaveLength(1)
    expect(there()).toEqual([boxes[0]?.dropletId])
  })
})
