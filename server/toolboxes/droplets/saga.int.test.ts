import { describe, expect, it } from 'vitest'
import { type DropletRun, followDroplet } from '#testing/digitalocean/droplet-run.ts'
import { FAULTS } from '#testing/digitalocean/faults.ts'
import { useDropletInstallation } from '#testing/digitalocean/installation.ts'
import { asSystem } from '#testing/seeded.ts'

// Two droplets a page, so that every list is one of several pages.
const { simulator, start } = await useDropletInstallation({ account: { pageSize: 2 } })
const { reapDroplets } = await import('./reap.ts')
const { sweepDroplets } = await import('./sweep.ts')

/** Of an installation beside this one, and of somebody else: they are there throughout, and stay. */
function plantNeighbours(): number[] {
  return [
    { name: 'tb-0e3a5e4c-0f0e-4a6f-8f0c-0123456789ab', tags: ['toolberth', 'tb-installation-other'] },
    { name: 'web-1', tags: [] },
    { name: 'web-2', tags: ['toolberth'] },
  ].map((droplet) => simulator.plant(droplet).id)
}

/**
 * Exactly one droplet with its firewall where the toolbox is active, and none at all where it is not; with what the reaper still
 * finds once everything is old enough for it.
 */
async function expectNoOrphan(run: DropletRun, neighbours: number[]): Promise<string> {
  for (const droplet of simulator.droplets.values()) droplet.createdAt = new Date(Date.now() - 3_600_000)
  await reapDroplets()
  const row = await run.look()
  const isReady = row.step === 'ready'
  expect({
    step: row.step,
    droplets: [...simulator.droplets.keys()].filter((id) => !neighbours.includes(id)),
    firewalls: [...simulator.firewalls.values()].map(({ name }) => name),
  }).toEqual({
    step: isReady ? 'ready' : 'gone',
    droplets: isReady ? [row.dropletId] : [],
    firewalls: isReady ? [`tb-${run.id}`] : [],
  })
  expect([...simulator.droplets.keys()]).toEqual(expect.arrayContaining(neighbours))
  return `${row.state} ${row.step}`
}

async function remove(run: DropletRun): Promise<DropletRun> {
  await asSystem((db) => db.toolbox.update({ where: { id: run.id }, data: { state: 'deleting' } }))
  await sweepDroplets()
  return followDroplet(simulator, run.id)
}

/** Requests of a droplet that is made, in order. */
const MAKING = [
  'POST /droplets',
  'GET /droplets/N/actions/N',
  'GET /droplets/N/actions/N',
  'GET /droplets/N',
  'POST /firewalls',
  'GET /droplets/N',
  'GET /droplets',
]
/** Faults that come when it was done already. */
const MADE = new Set<string>(['drop', 'error-after', 'hold-after'])
const CREATE = 1
const SECURE = 5

describe('making a droplet', () => {
  it('takes these requests', async () => {
    plantNeighbours()
    simulator.setFate('boots', 2)
    const run = await start()
    simulator.requests.length = 0
    await run.finish()
    expect(simulator.requests.map((one) => one.replace('/v2', '').replaceAll(/\d+/g, 'N'))).toEqual(MAKING)
  })

  it.each(FAULTS)('with every read meeting %s ends with exactly one droplet', async (fault) => {
    const neighbours = plantNeighbours()
    simulator.setFate('boots', 2)
    const run = await start()
    simulator.faults.everyRead(fault)
    await run.finish()
    expect(simulator.faults.met()).toBeGreaterThanOrEqual(3)
    await run.revive({ tooLate: fault === 'hold-before' })
    expect(await expectNoOrphan(run, neighbours)).toBe('active ready')
  })

  it.each(
    FAULTS.flatMap((fault) => [['droplet', CREATE, fault] as const, ['firewall', SECURE, fault] as const]),
  )(
    'with the request for the %s (number %i) meeting %s ends with exactly one droplet',
    async (what, at, fault) => {
      const neighbours = plantNeighbours()
      simulator.setFate('boots', 2)
      const run = await start()
      simulator.faults.at(at, fault)
      simulator.requests.length = 0
      await run.finish()
      expect(simulator.faults.met()).toBe(1)
      // Asked for again only where nothing was made: what was made is found by its name.
      const asked = simulator.requests.filter((one) => one === `POST /v2/${what}s`)
      expect(asked).toHaveLength(MADE.has(fault) ? 1 : 2)
      await run.revive({ tooLate: fault === 'hold-before' })
      expect(await expectNoOrphan(run, neighbours)).toBe('active ready')
    },
  )

  it('with every request that changes something unanswered twice ends with exactly one droplet', async () => {
    const neighbours = plantNeighbours()
    const run = await start()
    let answers = 0
    simulator.faults.always(({ method }) => method === 'POST' && ++answers % 3 !== 0, 'refuse')
    await run.finish()
    expect(await expectNoOrphan(run, neighbours)).toBe('active ready')
  })

  it.each([1, 2, 3, 4, 5, 6, 7])(
    'by a worker that dies after step %i, before it gives the droplet back',
    async (at) => {
      const neighbours = plantNeighbours()
      simulator.setFate('boots', 2)
      const run = await start({
        async afterStep({ steps, id, pass }) {
          if (steps !== at) return
          await asSystem(
            (
              db,
            ) => db.$executeRaw`UPDATE droplets SET lease_expires_at = clock_timestamp() + interval '30 seconds',
              due_at = clock_timestamp() + interval '30 seconds' WHERE toolbox_id = ${id}::uuid`,
          )
          await pass(31_000)
        },
      })
      await run.finish()
      expect(await expectNoOrphan(run, neighbours)).toBe('active ready')
    },
  )

  it('by three workers at once ends with exactly one droplet', async () => {
    const neighbours = plantNeighbours()
    const run = await start()
    const others = await Promise.all([followDroplet(simulator, run.id), followDroplet(simulator, run.id)])
    await Promise.all([run, ...others].map((one) => one.finish()))
    expect(await expectNoOrphan(run, neighbours)).toBe('active ready')
  })

  it('that two answers made keeps the older and destroys the other', async () => {
    const neighbours = plantNeighbours()
    const run = await start()
    simulator.faults.at(1, 'drop')
    const first = await run.step()
    const [mine] = [...simulator.droplets.values()].filter(({ name }) => name === `tb-${run.id}`)
    if (!mine || first === 'done' || first === 'died') throw new Error('The first request was not lost.')
    simulator.plant({ ...mine, id: 9_999, createdAt: new Date(mine.createdAt.getTime() + 5_000) })
    await run.pass(first.again)
    await run.finish()
    expect((await run.look()).dropletId).toBe(mine.id)
    expect(await expectNoOrphan(run, neighbours)).toBe('active ready')
  })
})

describe('destroying a droplet', () => {
  it.each(FAULTS)('with every read meeting %s ends with none', async (fault) => {
    const neighbours = plantNeighbours()
    const run = await start()
    await run.finish()
    const going = await remove(run)
    simulator.faults.everyRead(fault)
    await going.finish()
    expect(simulator.faults.met()).toBeGreaterThanOrEqual(2)
    await going.revive({ tooLate: fault === 'hold-before' })
    expect(await expectNoOrphan(run, neighbours)).toBe('deleting gone')
  })

  it.each(FAULTS.flatMap((fault) => [['droplets', fault] as const, ['firewalls', fault] as const]))(
    'with the request to destroy the %s meeting %s ends with none',
    async (what, fault) => {
      const neighbours = plantNeighbours()
      const run = await start()
      await run.finish()
      const going = await remove(run)
      let met = 0
      simulator.faults.always(
        ({ method, path }) => method === 'DELETE' && path.startsWith(`/v2/${what}`) && ++met === 1,
        fault,
      )
      await going.finish()
      expect(met).toBeGreaterThan(0)
      await going.revive({ tooLate: fault === 'hold-before' })
      expect(await expectNoOrphan(run, neighbours)).toBe('deleting gone')
    },
  )

  it.each([0, 1, 2, 3, 4, 5, 6])('that was asked to go after step %i of being made', async (after) => {
    const neighbours = plantNeighbours()
    simulator.setFate('boots', 2)
    const run = await start()
    for (let step = 0; step < after; step++) {
      const outcome = await run.step()
      if (typeof outcome === 'object') await run.pass(outcome.again)
    }
    await (await remove(run)).finish()
    expect(await expectNoOrphan(run, neighbours)).toBe('deleting gone')
  })

  it('while a worker is about to make it: its answer comes too late, and what it made is destroyed', async () => {
    const neighbours = plantNeighbours()
    const run = await start()
    simulator.faults.at(1, 'hold-before')
    expect(await run.step()).toBe('died')
    const going = await remove(run)
    await going.finish()
    await run.revive({ tooLate: false })
    expect(await expectNoOrphan(run, neighbours)).toBe('deleting gone')
  })
})
