import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeployServerInput } from '#contracts/servers.ts'
import { LABEL } from '#dtma/drivers/docker/labels.ts'
import { engineUnavailable } from '#scripts/ensure-docker.ts'
import { type Installation, startInstallation } from '#testing/faults/installation.ts'
import { until } from '#testing/faults/until.ts'
import { addDockerToolbox, type DockerToolbox } from './docker-toolbox.ts'
import { addImage, STDIO_IMAGE } from './images.ts'

const ENDED_MS = 120_000
const EVERYTHING = 'toolberth-test/everything:1'
const PROGRAM = '/app/node_modules/@modelcontextprotocol/server-everything/dist/index.js'
const LIMITS = { memoryMb: 128, cpus: 0.5, pids: 64 }

type Server = { serverId: string; name: string }

describe.skipIf(engineUnavailable() !== null)('two toolboxes with an engine each', () => {
  let installation: Installation
  let boxes: [DockerToolbox, DockerToolbox]
  let mcp: Client
  let agentId: string
  const servers: Server[] = []

  beforeAll(async () => {
    // The engines' agents are dialled at another address than loopback, as those of other machines.
    installation = await startInstallation([], { publicUrl: 'http://toolberth.test' })
    const env = { DTMA_READY_TIMEOUT_SECONDS: '20' }
    boxes = await Promise.all([
      addDockerToolbox(installation, 'engine-one', env),
      addDockerToolbox(installation, 'engine-two', env),
    ])
    for (const { engine } of boxes) {
      await addImage(engine.docker, EVERYTHING, ['USER node', `CMD ["node", "${PROGRAM}", "streamableHttp"]`])
      await addImage(engine.docker, 'toolberth-test/not-mcp:1', [
        'USER node',
        'CMD ["node", "-e", "setInterval(()=>0,1e3)"]',
      ])
    }
    const agent = await installation.client.agents.create.mutate({ name: 'caller' })
    agentId = agent.id
    mcp = new Client({ name: 'test', version: '1.0.0' })
    const requestInit = { headers: { authorization: `Bearer ${agent.token}` } }
    await mcp.connect(new StreamableHTTPClientTransport(new URL(agent.url), { requestInit }))
  }, 600_000)
  afterAll(async () => {
    await mcp?.close()
    await Promise.all((boxes ?? []).map((box) => box.dispose()))
    await installation?.stop()
  }, 200_000)

  const get = (server: { serverId: string }) => installation.client.servers.get.query({ id: server.serverId })
  const containers = (box: DockerToolbox) => box.engine.docker.listContainers({ all: true })
  async function deploy(
    box: DockerToolbox,
    name: string,
    image: string,
    more: Partial<DeployServerInput> = {},
  ) {
    const answer = await installation.client.servers.deploy.mutate({
      name,
      toolboxId: box.id,
      source: { type: 'image', image },
      transport: 'stdio',
      limits: LIMITS,
      ...more,
    })
    return { ...answer, name }
  }
  const ended = (deploymentId: string) => installation.ended(deploymentId, ENDED_MS)
  /** Calls `echo` of a server through the gateway until it is answered. */
  const echo = (server: { name: string }) =>
    until(
      `${server.name} answers`,
      async () => {
        const { tools } = await mcp.listTools()
        const tool = tools.find(({ name }) => name.startsWith(server.name) && name.endsWith('echo'))
        if (tool === undefined) return false
        const answer = await mcp.callTool({ name: tool.name, arguments: { message: 'hello' } })
        const [content] = answer.content as { text?: string }[]
        return answer.isError ? false : content?.text
      },
      ENDED_MS,
    )
  const running = (server: { serverId: string }) =>
    until(`${server.serverId} runs`, async () => (await get(server)).state === 'running', ENDED_MS)

  it('get servers at the same time, which answer through the gateway', { timeout: 300_000 }, async () => {
    const [one, two] = boxes
    const began = Date.now()
    const deployed = await Promise.all([
      deploy(one, 'over-stdio', STDIO_IMAGE),
      deploy(two, 'over-stdio-two', STDIO_IMAGE),
      deploy(one, 'over-http', EVERYTHING, {
        transport: 'streamable-http',
        limits: { ...LIMITS, memoryMb: 256 },
      }),
    ])
    for (const { deploymentId } of deployed) {
      expect(await ended(deploymentId)).toMatchObject({ state: 'live' })
    }
    console.log(`three images live on two toolboxes after ${Date.now() - began} ms`)
    for (const server of deployed) {
      servers.push(server)
      await installation.client.connections.create.mutate({
        agentId,
        serverId: server.serverId,
        slug: server.name,
      })
      expect(await echo(server)).toContain('hello')
    }
    const { instance } = await get(deployed[0])
    expect(instance?.resolvedVersion).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await containers(one)).toHaveLength(2)
    expect(await containers(two)).toHaveLength(1)
  })

  it('makes a single image live soon', { timeout: 300_000 }, async () => {
    const times: number[] = []
    for (let i = 0; i < 3; i++) {
      const began = Date.now()
      const server = await deploy(boxes[1], `timed-${i}`, STDIO_IMAGE)
      expect(await ended(server.deploymentId)).toMatchObject({ state: 'live' })
      times.push(Date.now() - began)
      servers.push(server)
    }
    console.log(`accepted to live of a local image: ${times.join(', ')} ms`)
  })

  it('says that a server ran out of memory, and leaves nothing of it', { timeout: 200_000 }, async () => {
    const server = await deploy(boxes[1], 'hungry', STDIO_IMAGE, { env: { ALLOCATE_MB: { value: '2000' } } })
    expect(await ended(server.deploymentId)).toMatchObject({
      state: 'failed',
      failure: { code: 'SERVER_OUT_OF_MEMORY' },
    })
    servers.push(server)
    const named = (await containers(boxes[1])).filter(
      ({ Labels }) => Labels[LABEL.server] === server.serverId,
    )
    expect(named).toEqual([])
  })

  it('stops and starts', { timeout: 200_000 }, async () => {
    const [server] = servers as [Server]
    const began = Date.now()
    await installation.client.servers.stop.mutate({ id: server.serverId })
    await until('it is stopped', async () => (await get(server)).state === 'stopped')
    console.log(`asked to stop to stopped: ${Date.now() - began} ms`)
    expect(await containers(boxes[0])).toHaveLength(1)
    await installation.client.servers.start.mutate({ id: server.serverId })
    await running(server)
    expect(await echo(server)).toContain('hello')
  })

  it('comes back after kill -9 of the agent; what has a port was never away', {
    timeout: 300_000,
  }, async () => {
    const [box] = boxes
    const [stdio, , http] = servers as [Server, Server, Server]
    const idOf = async (server: { serverId: string }) =>
      (await containers(box)).find(({ Labels }) => Labels[LABEL.server] === server.serverId)?.Id
    const before = { stdio: await idOf(stdio), http: await idOf(http) }
    await box.kill()
    expect(await idOf(http)).toBe(before.http)
    box.start()
    expect(await echo(http)).toContain('hello')
    expect(await echo(stdio)).toContain('hello')
    expect(await idOf(http), 'the container with a port').toBe(before.http)
    expect(await idOf(stdio), 'the container without one').not.toBe(before.stdio)
    // An agent that comes back looks what images need in containers of its own, which are gone soon.
    await until('two containers are left', async () => (await containers(box)).length === 2)
  })

  it('comes back after kill -9 of the engine, without anybody doing anything', {
    timeout: 300_000,
  }, async () => {
    const [box] = boxes
    const [stdio, , http] = servers as [Server, Server, Server]
    await box.engine.kill()
    await until('it is seen', async () => (await get(stdio)).state !== 'running', ENDED_MS)
    await box.engine.restart()
    for (const server of [stdio, http]) {
      await running(server)
      expect(await echo(server)).toContain('hello')
    }
    expect(await containers(box)).toHaveLength(2)
  })

  it('rolls out, stays when that fails, and rolls back', { timeout: 300_000 }, async () => {
    const { client } = installation
    const [server] = servers as [Server]
    const before = await get(server)
    const image = 'toolberth-test/not-mcp:1'
    const wrong = await client.servers.update.mutate({
      id: server.serverId,
      source: { type: 'image', image },
    })
    expect(await ended(wrong.deployment?.deploymentId ?? '')).toMatchObject({ state: 'rolled_back' })
    expect(await get(server)).toMatchObject({ state: 'running', instance: { id: before.instance?.id } })
    const right = await client.servers.update.mutate({ id: server.serverId, env: { A: { value: '1' } } })
    expect(await ended(right.deployment?.deploymentId ?? '')).toMatchObject({ state: 'live' })
    expect((await get(server)).instance?.id).not.toBe(before.instance?.id)
    expect(await echo(server)).toContain('hello')
    const { deploymentId } = await client.servers.rollback.mutate({ id: server.serverId, number: 1 })
    expect(await ended(deploymentId)).toMatchObject({ state: 'live' })
    expect(await echo(server)).toContain('hello')
  })

  it('leaves nothing at all of servers that were deleted', { timeout: 300_000 }, async () => {
    for (const server of servers) await installation.remove(server)
    for (const { engine } of boxes) {
      expect(await engine.docker.listContainers({ all: true })).toEqual([])
      expect(await engine.ours()).toEqual([])
    }
  })
})
