import { afterAll, expect, inject, it } from 'vitest'
import { freePort } from '#scripts/services/ports.ts'
import { type BootedAgent, bootAgent } from '#testing/digitalocean/boot-agent.ts'
import { startSimulator } from '#testing/digitalocean/simulator.ts'
import { noteProcess } from '#testing/run-folder.ts'
import { startInstallation } from './installation.ts'
import { until } from './until.ts'

const simulator = await startSimulator()
const installation = await startInstallation(['plain-server'], {
  env: { DIGITALOCEAN_API_URL: simulator.url, ALLOW_LOOPBACK_TOOLBOXES: '1' },
})
const { client } = installation
const agents: BootedAgent[] = []
afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.end()))
  await installation.stop()
  await simulator.close()
}, 120_000)

it('a droplet is ordered, enrols by what its user data says, serves, and is gone with its toolbox', async () => {
  await client.cloud.setToken.mutate({ token: simulator.token })
  const port = await freePort()
  simulator.giveAddress(() => '127.0.0.1')
  simulator.whenBooted((droplet) => {
    const agent = bootAgent(droplet, { port, npmrcPath: installation.registry.npmrcPath })
    noteProcess(inject('runFolder'), agent.pid)
    agents.push(agent)
  })
  const { regions, sizes } = await client.toolboxes.options.query()
  const { toolbox } = await client.toolboxes.create.mutate({
    kind: 'droplet',
    name: 'droplet',
    region: regions[0]?.slug ?? '',
    size: sizes.find((size) => size.regions.includes(regions[0]?.slug ?? ''))?.slug ?? '',
  })
  const { id } = toolbox
  const ready = await until('the droplet is ready', async () => {
    const now = await client.toolboxes.get.query({ id })
    if (now.state === 'failed') throw new Error(JSON.stringify(now.failure))
    return now.state === 'active' && now.droplet?.step === 'ready' && now
  })
  expect(ready.url).toBe(`https://127.0.0.1:${port}`)
  expect(ready.droplet?.history.map(({ step }) => step)).toEqual([
    'creating',
    'booting',
    'securing',
    'installing',
    'ready',
  ])

  const server = await installation.deploy('on-droplet', 'plain-server', { toolboxId: id })
  expect(await installation.ended(server.deploymentId, 120_000)).toMatchObject({ state: 'live' })
  const { tools, state } = await client.servers.get.query({ id: server.serverId })
  expect({ state, tools: tools.length > 0 }).toEqual({ state: 'running', tools: true })

  // Refused while a server is on it; with it when that is wanted.
  await expect(client.toolboxes.delete.mutate({ id, confirmName: 'droplet' })).rejects.toThrow(
    /still servers/,
  )
  await client.toolboxes.delete.mutate({ id, confirmName: 'droplet', force: true })
  await until('nothing of it is left', async () => {
    const { items } = await client.toolboxes.list.query()
    return items.every((item) => item.id !== id) && simulator.droplets.size === 0
  })
  expect([...simulator.firewalls.values()]).toEqual([])
  expect(simulator.problems).toEqual([])
}, 300_000)
