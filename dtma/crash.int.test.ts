import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AgentStatus } from '#contracts/dtma.ts'
import {
  type AgentProcess,
  callTool,
  createAgentProcess,
  folderNames,
  processesOfUser,
  specOf,
} from '#testing/agent-process.ts'
import { type ControlPlaneStandIn, startControlPlaneStandIn } from '#testing/control-plane-stand-in.ts'

const EVERYTHING = { type: 'npm' as const, package: '@modelcontextprotocol/server-everything', args: [] }
const asRoot = process.getuid?.() === 0

let controlPlane: ControlPlaneStandIn
let agent: AgentProcess

beforeAll(async () => {
  controlPlane = await startControlPlaneStandIn()
  agent = await createAgentProcess(controlPlane)
  await agent.start()
})

afterAll(async () => {
  await agent?.dispose()
  await controlPlane?.stop()
})

const uidOf = async (id: string) => (await stat(join(agent.home, 'servers', id))).gid

it('F5: kill -9 of the agent loses nothing and leaves nothing', async () => {
  const [stdio, http, stopped, gone] = Array.from({ length: 4 }, () => crypto.randomUUID()) as [
    string,
    string,
    string,
    string,
  ]
  const spec = specOf({ source: EVERYTHING, env: { SECRET: 'kept-over-restarts' }, secretNames: ['SECRET'] })
  const httpSpec = {
    ...spec,
    source: { ...EVERYTHING, args: ['streamableHttp'] },
    transport: 'streamable-http' as const,
  }
  await agent.put(stdio, { desired: 'running', fence: 3, spec })
  await agent.put(http, { desired: 'running', fence: 4, spec: httpSpec })
  await agent.put(stopped, { desired: 'stopped', fence: 5, spec })
  await agent.put(gone, { desired: 'absent', fence: 6 })
  await agent.until(stdio, ['running'])
  await agent.until(http, ['running'])
  const uids = asRoot ? [await uidOf(stdio), await uidOf(http)] : []
  const before = (await Promise.all(uids.map(processesOfUser))).flat()
  expect(before).toHaveLength(uids.length)

  expect(await agent.end('SIGKILL')).toBeNull()
  await agent.start()
  await agent.until(stdio, ['running'])
  await agent.until(http, ['running'])
  expect(await agent.status(stopped)).toMatchObject({ state: 'stopped', fence: 5 })
  expect(await agent.status(gone)).toMatchObject({ state: 'absent', fence: 6 })
  expect(await agent.put(gone, { desired: 'running', fence: 5, spec })).toMatchObject({ status: 409 })
  const after = (await Promise.all(uids.map(processesOfUser))).flat()
  expect(after).toHaveLength(uids.length)
  expect(after.filter((pid) => before.includes(pid))).toEqual([])
  const client = await agent.connect(stdio)
  expect(await callTool(client, 'get-env', {})).toMatchObject({ SECRET: 'kept-over-restarts' })
  await client.close()
})

it('kill -9 in the middle of an installation', async () => {
  const id = crypto.randomUUID()
  await agent.put(id, { desired: 'running', fence: 1, spec: specOf({ source: EVERYTHING }) })
  await agent.until(id, ['installing'])
  await agent.end('SIGKILL')
  await agent.start()
  await agent.until(id, ['running'])
  expect(await folderNames(join(agent.home, 'state', 'pids'))).not.toContain(`${id}.install.json`)
})

it('an orderly end stops every server, and a start brings them back', async () => {
  const { body } = await agent.call('GET', '/v1/status')
  const running = (body as { instances: { id: string; state: string }[] }).instances
    .filter((instance) => instance.state === 'running')
    .map((instance) => instance.id)
  expect(running).toHaveLength(3)
  const uids = asRoot ? await Promise.all(running.map(uidOf)) : []
  expect(await agent.end('SIGTERM')).toBe(0)
  expect((await Promise.all(uids.map(processesOfUser))).flat()).toEqual([])
  await agent.start()
  for (const id of running) await agent.until(id, ['running'])
})

it('works while the control plane is away, and reports when it is back', async () => {
  controlPlane.setDown(true)
  const id = crypto.randomUUID()
  await agent.put(id, { desired: 'running', fence: 1, spec: specOf({ source: EVERYTHING }) })
  await agent.until(id, ['running'])
  controlPlane.setDown(false)
  const beat = await controlPlane.nextHeartbeat(({ instances }) =>
    instances.some((i) => i.id === id && i.state === 'running'),
  )
  expect(beat.instances.find((instance) => instance.id === id)).toMatchObject({ error: null, restarts: 0 })
})

it('registers again with a new token when it was forgotten, and keeps its servers', async () => {
  const before = ((await agent.call('GET', '/v1/status')).body as AgentStatus).instances
  controlPlane.forget()
  await agent.writeToken()
  await controlPlane.nextHeartbeat((beat) => beat.toolboxId === controlPlane.toolboxId)
  const after = ((await agent.call('GET', '/v1/status')).body as AgentStatus).instances
  expect(after.map(({ id, startedAt }) => [id, startedAt])).toEqual(
    before.map(({ id, startedAt }) => [id, startedAt]),
  )
})

it.skipIf(!asRoot)('a server that crashes comes back, and its deletion frees everything', async () => {
  const id = (
    await agent
      .call('GET', '/v1/status')
      .then(({ body }) => body as { instances: { id: string; state: string }[] })
  ).instances.find((instance) => instance.state === 'running')?.id as string
  const uid = await uidOf(id)
  for (const pid of await processesOfUser(uid)) process.kill(pid, 'SIGKILL')
  const down = await agent.until(id, ['backoff'])
  expect(down).toMatchObject({ restarts: 1, signal: 'SIGKILL', error: { code: 'SERVER_EXITED' } })
  expect(await agent.until(id, ['running'])).toMatchObject({ restarts: 1, error: null })
  await agent.put(id, { desired: 'absent', fence: 99 })
  await agent.until(id, ['absent'])
  expect(await processesOfUser(uid)).toEqual([])
  expect(await folderNames(join(agent.home, 'servers'))).not.toContain(id)
  expect(await folderNames(join(agent.home, 'logs'))).not.toContain(id)
})
