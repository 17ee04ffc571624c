import { describe, expect, it } from 'vitest'
import { refusalOf } from '#testing/refusal.ts'
import { asSystem, HOST, seedServer, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

await useSeededInstallation({ CPU_OVERCOMMIT: '4' })
const { createDeployment } = await import('#server/deployments/create.ts')
const { redeployServer } = await import('#server/deployments/redeploy.ts')
const { updateServer } = await import('#server/deployments/update.ts')
const { getToolbox, listToolboxes } = await import('#server/toolboxes/list.ts')
const { restartServer, startServer, stopServer } = await import('#server/mcp-servers/want.ts')

const { ctx } = await seedUser({ role: 'ADMIN' })
let made = 0
const deploy = (toolboxId: string | undefined, limits: { memoryMb?: number; cpus?: number }) =>
  createDeployment({
    ctx,
    input: {
      name: `deployed-${made++}`,
      ...(toolboxId && { toolboxId }),
      source: { type: 'npm', package: 'some-server' },
      transport: 'stdio',
      limits: { memoryMb: 64, ...limits },
    },
  })
const id = (server: { id: string }) => ({ ctx, input: { id: server.id } })
/** As its toolbox confirms it. */
const observed = (instanceId: string, state: 'stopped' | 'running') =>
  asSystem((db) => db.instance.update({ where: { id: instanceId }, data: { observed: state } }))
const only = (toolboxes: { id: string }[]) =>
  asSystem((db) =>
    db.toolbox.updateMany({
      where: { id: { notIn: toolboxes.map((box) => box.id) } },
      data: { state: 'draining' },
    }),
  )

describe('two deploys for the last room', () => {
  it.each([
    ['memory', { memoryMb: 600 }, 'has 424 MiB of memory left, the server may use 600 MiB.'],
    ['CPUs', { cpus: 2 }, 'has 1 CPU left to promise, the server may use 2 CPUs.'],
  ])('of %s: one gets it, the other is told what is missing', async (what, limits, said) => {
    const box = await seedToolbox({ memoryMb: 1024 })
    // Four times two cores, of which five are taken.
    if (what === 'CPUs') for (let n = 0; n < 5; n++) await seedServer(box.id, { memoryMb: 64 })
    const both = [deploy(box.id, limits), deploy(box.id, limits)]
    const outcomes = await Promise.allSettled(both)
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const refused = both[outcomes.findIndex(({ status }) => status === 'rejected')]
    const refusal = await refusalOf(Promise.resolve(refused))
    expect(refusal).toMatchObject({ code: 'TOOLBOX_FULL', detail: expect.stringContaining(said) })
  })

  it('on any toolbox: they take two', async () => {
    const boxes = [await seedToolbox({ memoryMb: 1000 }), await seedToolbox({ memoryMb: 900 })]
    await only(boxes)
    await Promise.all([deploy(undefined, { memoryMb: 800 }), deploy(undefined, { memoryMb: 800 })])
    const { items } = await listToolboxes({ ctx })
    const taken = boxes.map((box) => items.find((item) => item.id === box.id)?.memoryCommittedMb)
    expect(taken).toEqual([800, 800])
    expect(await refusalOf(deploy(undefined, { memoryMb: 800 }))).toMatchObject({
      code: 'NO_TOOLBOX_AVAILABLE',
      detail: expect.stringContaining(`${boxes[0]?.name} (200 MiB of memory and 7 CPUs)`),
    })
  })
})

describe('a refusal', () => {
  it('says where there is room', async () => {
    const full = await seedToolbox({ memoryMb: 100 })
    const roomy = await seedToolbox({ memoryMb: 3000 })
    await only([full, roomy])
    const refusal = await refusalOf(deploy(full.id, { memoryMb: 512, cpus: 1 }))
    expect(refusal.detail).toBe(
      `${full.name} has 100 MiB of memory left, the server may use 512 MiB. ` +
        `There is room on ${roomy.name} (3000 MiB of memory and 8 CPUs).`,
    )
  })

  it('tells more CPUs than the machine has from more than are left', async () => {
    const box = await seedToolbox()
    const refusal = await refusalOf(deploy(box.id, { cpus: 3 }))
    expect(refusal.detail).toContain(`${box.name} has 2 CPUs, the server may use 3 CPUs.`)
  })

  it('names the state of toolboxes that are not active', async () => {
    const box = await seedToolbox()
    await only([])
    await asSystem((db) => db.toolbox.update({ where: { id: box.id }, data: { state: 'unreachable' } }))
    const refusal = await refusalOf(deploy(undefined, {}))
    expect(refusal).toMatchObject({ code: 'NO_TOOLBOX_AVAILABLE' })
    expect(refusal.detail).toMatch(/^The server may use 64 MiB of memory and 1 CPU\. Left: /)
    expect(refusal.detail).toMatch(/ is draining/)
  })
})

describe('a server that stands still', () => {
  it('gives its room to others once it has stopped, and is not started without', async () => {
    const box = await seedToolbox({ memoryMb: 1000 })
    const first = await seedServer(box.id, { memoryMb: 600 })
    await stopServer(id(first))
    expect((await getToolbox(id(box))).memoryCommittedMb).toBe(600)
    await observed(first.instanceId, 'stopped')
    expect((await getToolbox(id(box))).memoryCommittedMb).toBe(0)
    const second = await seedServer(box.id, { memoryMb: 600 })
    const full = { code: 'TOOLBOX_FULL', detail: expect.stringContaining('has 400 MiB of memory left') }
    expect(await refusalOf(startServer(id(first)))).toMatchObject(full)
    expect(await refusalOf(restartServer(id(first)))).toMatchObject(full)
    expect(await refusalOf(redeployServer(id(first)))).toMatchObject(full)
    await stopServer(id(second))
    await observed(second.instanceId, 'stopped')
    expect((await startServer(id(first))).desired).toBe('running')
    expect(await refusalOf(startServer(id(second)))).toMatchObject({ code: 'TOOLBOX_FULL' })
  })

  it('is started by one of two for the last room', async () => {
    const box = await seedToolbox({ memoryMb: 1000 })
    const servers = [await seedServer(box.id, { memoryMb: 600 }), await seedServer(box.id, { memoryMb: 600 })]
    for (const server of servers) {
      await stopServer(id(server))
      await observed(server.instanceId, 'stopped')
    }
    const outcomes = await Promise.allSettled(servers.map((server) => startServer(id(server))))
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })
})

describe('a server that runs', () => {
  it('is started and restarted where nothing is left, since it has its room', async () => {
    const box = await seedToolbox({ memoryMb: 600 })
    const server = await seedServer(box.id, { memoryMb: 600 })
    expect((await startServer(id(server))).desired).toBe('running')
    expect((await restartServer(id(server))).desired).toBe('running')
  })

  it('needs room for its limits a second time to be updated', async () => {
    const box = await seedToolbox({ memoryMb: 1000 })
    const server = await seedServer(box.id, { memoryMb: 400 })
    const input = { id: server.id, limits: { memoryMb: 601 } }
    expect(await refusalOf(updateServer({ ctx, input }))).toMatchObject({
      code: 'TOOLBOX_FULL',
      detail: expect.stringContaining('has 600 MiB of memory left, the server may use 601 MiB.'),
    })
  })
})

describe('a toolbox', () => {
  it('shows what is promised and what is left', async () => {
    const box = await seedToolbox({ memoryMb: 1024 })
    await seedServer(box.id, { memoryMb: 100 })
    await deploy(box.id, { memoryMb: 64, cpus: 0.3 })
    expect(await getToolbox(id(box))).toMatchObject({
      memoryCommittedMb: 164,
      cpusCommitted: 1.3,
      room: { memoryMb: 860, cpus: 6.7 },
      host: { cpus: HOST.cpus },
    })
  })
})
