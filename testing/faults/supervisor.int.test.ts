import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createToolberthClient, type ToolberthClient, waitForDeployment } from '#client/index.ts'
import { readEnviron, readProcessTable } from '#dtma/drivers/process/process-table.ts'
import { commandLine } from '#scripts/processes/identity.ts'
import { systemHome } from '#scripts/services/system-home.ts'
import { freePorts } from '#scripts/start/check-ports.ts'
import { FIXTURE_SCOPE, type FixtureRegistry, startFixtureRegistry } from '#testing/npm-registry.ts'
import { noteProcess } from '#testing/run-folder.ts'
import { fixtureFolder } from './installation.ts'
import { leftoversOf } from './leftovers.ts'
import { until } from './until.ts'

const PROGRAM = fileURLToPath(new URL('../../scripts/start.ts', import.meta.url))
const START_MS = 240_000

let registry: FixtureRegistry
let home: string
let ports: { web: number; gateway: number; dtma: number }
let supervisor: ChildProcess
let client: ToolberthClient

beforeAll(async () => {
  registry = await startFixtureRegistry([fixtureFolder('plain-server')])
  home = mkdtempSync(join(inject('runFolder'), 'homes', 'supervised-'))
  ports = await freePorts()
  await start()
  const apiKey = readFileSync(join(home, 'admin-api-key'), 'utf8').trim()
  client = createToolberthClient({ url: `http://127.0.0.1:${ports.web}`, apiKey })
}, START_MS)

afterAll(async () => {
  await stop()
  await registry?.stop()
}, 60_000)

/** `npm start` on this home, ready. */
async function start(): Promise<void> {
  const options = { port: ports.web, 'gateway-port': ports.gateway, 'dtma-port': ports.dtma, home }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  supervisor = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, DTMA_NPM_USERCONFIG: registry.npmrcPath },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (supervisor.pid) noteProcess(inject('runFolder'), supervisor.pid)
  let output = ''
  for (const stream of [supervisor.stdout, supervisor.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  await until(
    'the start is ready',
    () => {
      if (supervisor.exitCode !== null) throw new Error(output)
      return output.includes('Toolberth is ready')
    },
    START_MS,
  )
  for (const pid of ours()) noteProcess(inject('runFolder'), pid)
}

/** Ctrl-C; answers the exit code. */
async function stop(): Promise<number | null> {
  if (supervisor.exitCode !== null || supervisor.signalCode !== null) return supervisor.exitCode
  const exit = once(supervisor, 'exit')
  supervisor.kill('SIGINT')
  const [code] = (await exit) as [number | null]
  return code
}

/** Every process of this installation but the supervisor: its home is on each one's command line or in its environment. */
function ours(): number[] {
  const places = [home, systemHome(home)]
  const own = [process.pid, supervisor.pid]
  return readProcessTable().flatMap(({ pid, zombie }) => {
    if (zombie || own.includes(pid)) return []
    const told = [commandLine(pid) ?? '', ...readEnviron(pid)].join('\n')
    return places.some((place) => told.includes(place)) ? [pid] : []
  })
}

function deploy(name: string) {
  const source = { type: 'npm' as const, package: `${FIXTURE_SCOPE}/plain-server` }
  return client.servers.deploy.mutate({ name, source, transport: 'stdio' })
}

/** Calls the tool `echo` as the agent does: through the gateway, with the official client. */
async function echo(agent: { id: string; token: string }): Promise<unknown> {
  const mcp = new Client({ name: 'test', version: '1.0.0' })
  const url = new URL(`http://127.0.0.1:${ports.gateway}/agents/${agent.id}/mcp`)
  const requestInit = { headers: { authorization: `Bearer ${agent.token}` } }
  await mcp.connect(new StreamableHTTPClientTransport(url, { requestInit }))
  try {
    const { tools } = await mcp.listTools()
    return await mcp.callTool({ name: tools[0]?.name ?? '', arguments: { message: 'still here' } })
  } finally {
    await mcp.close()
  }
}

it('kill -9 of the supervisor in the middle of a deploy, and a new start', {
  timeout: START_MS * 2,
}, async () => {
  const said = { content: [{ type: 'text', text: 'Echo: still here' }] }
  const live = await deploy('live-before')
  await waitForDeployment(client, { serverId: live.serverId })
  const agent = await client.agents.create.mutate({ name: 'caller' })
  await client.connections.create.mutate({ agentId: agent.id, serverId: live.serverId })
  expect(await echo(agent)).toMatchObject(said)
  const held = registry.holdNext()
  const interrupted = await deploy('interrupted')
  await held.asked

  const orphans = ours()
  const exit = once(supervisor, 'exit')
  supervisor.kill('SIGKILL')
  await exit
  await start()
  const running = new Set(ours())
  expect(orphans.filter((pid) => running.has(pid))).toEqual([])
  held.release()

  const ended = await waitForDeployment(client, { serverId: interrupted.serverId, timeoutMs: 60_000 })
  expect(ended.deployment.state).toBe('live')
  await until('the server that was live runs again', async () => {
    const { state } = await client.servers.get.query({ id: live.serverId })
    return state === 'running'
  })
  expect(await echo(agent)).toMatchObject(said)

  const servers = [
    { id: live.serverId, confirmName: 'live-before' },
    { id: interrupted.serverId, confirmName: 'interrupted' },
  ]
  for (const server of servers) await client.servers.delete.mutate(server)
  await until('both are deleted', async () => (await client.servers.list.query()).items.length === 0)
  expect(await leftoversOf(join(systemHome(home), 'dtma'))).toEqual([])
  expect(await leftoversOf(join(home, 'dtma'))).toEqual([])
  expect(await stop()).toBe(0)
  expect(ours()).toEqual([])
})
