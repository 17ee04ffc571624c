import { execFile } from 'node:child_process'
import { totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { LogLines } from '#contracts/dtma.ts'
import type { InstanceSpec } from '#contracts/instances.ts'
import { encodeUserEnv, USER_ENV } from '#mcp/user-env.ts'
import { type AgentProcess, callTool, createAgentProcess, specOf } from '#testing/agent-process.ts'
import { type ControlPlaneStandIn, startControlPlaneStandIn } from '#testing/control-plane-stand-in.ts'
import { leftoversOf } from '#testing/faults/leftovers.ts'
import { newToken, startTestGateway, type TestGateway, testAgent, testConnection } from '#testing/gateway.ts'
import { FIXTURE_SCOPE, type FixtureRegistry, startFixtureRegistry } from '#testing/npm-registry.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'

type Who = { pid: number; uid: number; env: Record<string, string> }
const SERVER = fileURLToPath(new URL('../../testing/docker/server', import.meta.url))
const SOURCE = { type: 'npm' as const, package: `${FIXTURE_SCOPE}/container-server`, args: [] }
const LIMITS = { memoryMb: 128, cpus: 1, pids: 64 }
const [ALICE, BOB] = ['sk-of-alice-4711', 'sk-of-bob-0815']
const run = promisify(execFile)

let registry: FixtureRegistry
let controlPlane: ControlPlaneStandIn
let agent: AgentProcess
let redis: TestRedis
let gateway: TestGateway
let id = ''
const clients: Client[] = []

async function put(change: Partial<InstanceSpec>): Promise<string> {
  const made = crypto.randomUUID()
  const spec = specOf({ source: SOURCE, sharing: 'isolated', limits: LIMITS, ...change })
  expect(await agent.put(made, { desired: 'running', fence: 1, spec })).toMatchObject({ status: 200 })
  return made
}
const of = (agentId: string, env: Record<string, string> = {}) => {
  const carried = encodeUserEnv(env)
  return { 'toolberth-agent': agentId, ...(carried !== null && { [USER_ENV]: carried }) }
}
async function connect(headers: Record<string, string>, client?: Client, to = id): Promise<Client> {
  const connected = await agent.connect(to, undefined, client, headers)
  clients.push(connected)
  return connected
}
async function leave(client: Client): Promise<void> {
  await (client.transport as StreamableHTTPClientTransport | undefined)?.terminateSession().catch(() => {})
  await client.close()
}
const whoami = (client: Client) => callTool<Who>(client, 'whoami', {})
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const sessions = async (of = id) =>
  ((await agent.call('GET', `/v1/instances/${of}/stats`)).body as { sessions: number }).sessions
const log = async (of = id) =>
  LogLines.parse((await agent.call('GET', `/v1/instances/${of}/logs?tail=200`)).body)
    .lines.map(({ text }) => text)
    .join('\n')
/** An agent of the gateway that is connected to an instance here; answers its token. */
function gatewayAgent(instanceId: string, env: Record<string, string>): string {
  const tools = ['whoami', 'crash'].map((name) => ({ name, inputSchema: { type: 'object' as const } }))
  const token = newToken()
  const credentials = Object.entries(env).map(([name, ciphertext]) => ({
    kind: 'env' as const,
    name,
    ciphertext,
    keyId: 'k',
  }))
  const toolbox = { url: agent.url, certificate: controlPlane.agentCertificate() ?? '' }
  const change = { instanceId, slug: 's', sharing: 'isolated' as const, credentials }
  gateway.rights.set(token, testAgent([testConnection(toolbox, { tools, ...change })]))
  return token
}
/** One request as the gateway sends it in the stateless era. */
async function ask(headers: Record<string, string>, method: string, params: object = {}, to = id) {
  const answer = await agent.call('POST', `/v1/instances/${to}/mcp`, {
    as: controlPlane.gateway,
    headers: { accept: 'application/json', 'mcp-protocol-version': '2026-07-28', ...headers },
    body: { jsonrpc: '2.0', id: 1, method, params },
  })
  return answer as { status: number; body: { result?: { content: { text: string }[] }; error?: unknown } }
}

// Only root can give sessions users of their own.
describe.skipIf(process.getuid?.() !== 0)('an isolated server', () => {
  beforeAll(async () => {
    redis = await createTestRedis()
    registry = await startFixtureRegistry([SERVER])
    controlPlane = await startControlPlaneStandIn()
    agent = await createAgentProcess(controlPlane, {
      DTMA_NPM_USERCONFIG: registry.npmrcPath,
      DTMA_ISOLATED_SESSIONS: '3',
    })
    await agent.start()
    id = await put({ userEnv: ['TOKEN'] })
    await agent.until(id, ['running'])
    gateway = await startTestGateway(redis.url, { identity: controlPlane.gateway })
  }, 180_000)
  afterEach(async () => {
    for (const client of clients.splice(0)) await leave(client)
  })
  afterAll(async () => {
    await gateway?.close(0)
    await redis?.stop()
    await agent?.dispose()
    await controlPlane?.stop()
    await registry?.stop()
  })

  it('has a process for each user with that user’s variables, which nobody else reads', async () => {
    const [alice, bob] = await Promise.all([
      connect(of('a', { TOKEN: ALICE })),
      connect(of('b', { TOKEN: BOB })),
    ])
    const [one, two] = await Promise.all([whoami(alice), whoami(bob)])
    expect([one.env.TOKEN, two.env.TOKEN]).toEqual([ALICE, BOB])
    expect(one.pid).not.toBe(two.pid)
    expect(JSON.stringify(one)).not.toContain(BOB)
    expect(await sessions()).toBe(2)

    // Bob knows the id of Alice's session, and it is none to him.
    const session = (alice.transport as StreamableHTTPClientTransport).sessionId ?? ''
    const stolen = await agent.call('POST', `/v1/instances/${id}/mcp`, {
      as: controlPlane.gateway,
      headers: { 'mcp-session-id': session, ...of('b', { TOKEN: BOB }) },
      body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami', arguments: {} } },
    })
    expect(stolen.status).toBe(404)

    await callTool(alice, 'print', { line: `my token is ${ALICE}` })
    await expect.poll(() => log()).toContain('my token is [redacted]')
    const status = JSON.stringify((await agent.call('GET', '/v1/status')).body)
    for (const secret of [ALICE, BOB]) {
      expect(await log()).not.toContain(secret)
      expect(status + agent.output()).not.toContain(secret)
      await expect(run('grep', ['-rlF', secret, agent.home])).rejects.toMatchObject({ code: 1, stdout: '' })
    }

    await leave(alice)
    await expect.poll(() => isAlive(one.pid)).toBe(false)
    expect((await whoami(bob)).pid).toBe(two.pid)
  })

  it('has one for each session of an agent, whose questions and changes stay in it', async () => {
    const heard: string[] = []
    const sessionOf = async (name: string) => {
      const client = new Client({ name, version: '1' }, { capabilities: { roots: {} } })
      client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file:///${name}` }] }))
      client.fallbackNotificationHandler = async ({ method }) => void heard.push(`${name}: ${method}`)
      return connect(of('a', { TOKEN: ALICE }), client)
    }
    const [one, two] = [await sessionOf('one'), await sessionOf('two')]
    expect((await whoami(one)).pid).not.toBe((await whoami(two)).pid)
    const asked = await callTool(one, 'ask', { method: 'roots/list' })
    expect(JSON.stringify(asked)).toContain('file:///one')
    expect(heard).toEqual(['one: notifications/tools/list_changed'])
  })

  it('refuses variables that are not a user’s to set, without saying what was sent', async () => {
    const text = Buffer.from(JSON.stringify({ LD_PRELOAD: ALICE })).toString('base64url')
    const { status, body } = await ask({ [USER_ENV]: text }, 'ping')
    expect(status).toBe(400)
    expect(JSON.stringify(body)).toContain('no variables that a user may set')
    expect(JSON.stringify(body)).not.toContain(ALICE)
  })

  it('ends one session when its process ends, and no other', async () => {
    const [one, two] = [await connect(of('a', { TOKEN: ALICE })), await connect(of('a', { TOKEN: ALICE }))]
    const { pid } = await whoami(two)
    await expect(one.callTool({ name: 'crash', arguments: { code: 7 } })).rejects.toThrow('ended with code 7')
    await expect(one.listTools()).rejects.toThrow('Session not found')
    expect((await whoami(two)).pid).toBe(pid)
    expect(await log()).toMatch(/Session [0-9a-f]{12}: The MCP server ended with code 7\./)
    expect(await agent.status(id)).toMatchObject({ state: 'running', restarts: 0 })
  })

  it('lets in no more sessions than it may have, and says so', async () => {
    for (let i = 0; i < 3; i++) await connect(of(`agent-${i}`))
    await expect(connect(of('one-too-many'))).rejects.toThrow('has its 3 sessions, and all are in use')
    expect(await sessions()).toBe(3)
  })

  it('promises no memory that the toolbox does not have', async () => {
    const memoryMb = Math.min(65_536, Math.floor((totalmem() / 1024 / 1024) * 0.6))
    const large = await put({ limits: { ...LIMITS, memoryMb } })
    await agent.until(large, ['running'])
    await connect(of('a'), undefined, large)
    await expect(connect(of('b'), undefined, large)).rejects.toThrow('MiB of memory left')
    await agent.put(large, { desired: 'absent', fence: 2 })
    await agent.until(large, ['absent'])
    expect(await leftoversOf(agent.home, [large])).toEqual([])
  })

  it('is tried with something in place of what its users give, and fails for what nobody gives', async () => {
    const missing = await put({ env: { NEEDS: 'API_TOKEN' } })
    expect(await agent.until(missing, ['exited', 'running'])).toMatchObject({
      state: 'exited',
      error: { code: 'SERVER_NEEDS_VARIABLE', variable: 'API_TOKEN' },
    })
    const asked = await put({ env: { NEEDS: 'API_TOKEN' }, userEnv: ['API_TOKEN'] })
    await agent.until(asked, ['running'])
    // The placeholder is for the control plane's own look, and for no agent.
    expect((await whoami(await connect({}, undefined, asked))).env.API_TOKEN).toBe('toolberth-placeholder')
    await expect(connect(of('a'), undefined, asked)).rejects.toThrow('API_TOKEN environment variable')
    for (const one of [missing, asked]) await agent.put(one, { desired: 'absent', fence: 2 })
  })

  it('of the stateless era has a process for each agent and its credentials', async () => {
    const stateless = await put({ env: { ERA: 'stateless' } })
    await agent.until(stateless, ['running'])
    const who = async (headers: Record<string, string>) => {
      const { body } = await ask(headers, 'tools/call', { name: 'whoami', arguments: {} }, stateless)
      return JSON.parse(body.result?.content[0]?.text ?? '{}') as Who
    }
    const alices = of('a', { TOKEN: ALICE })
    expect((await ask(alices, 'server/discover', {}, stateless)).body).toHaveProperty(
      'result.supportedVersions',
    )
    const [first, second, bobs, renewed] = await Promise.all([
      who(alices),
      who(alices),
      who(of('b', { TOKEN: BOB })),
      who(of('a', { TOKEN: `${ALICE}-new` })),
    ])
    expect(second.pid).toBe(first.pid)
    expect(new Set([first.pid, bobs.pid, renewed.pid]).size).toBe(3)
    expect([first, bobs, renewed].map(({ env }) => env.TOKEN)).toEqual([ALICE, BOB, `${ALICE}-new`])
    expect(await sessions(stateless)).toBe(3)
    await agent.put(stateless, { desired: 'stopped', fence: 2 })
    await agent.until(stateless, ['stopped'])
    expect([first, bobs, renewed].map(({ pid }) => isAlive(pid))).toEqual([false, false, false])
  })

  it('serves agents of the gateway, each user with a process of its own', async () => {
    const [alice, bob] = [gatewayAgent(id, { TOKEN: ALICE }), gatewayAgent(id, { TOKEN: BOB })]
    const one = await gateway.connect(alice)
    const two = await gateway.connect(bob)
    const who = (client: Client) => callTool<Who>(client, 's__whoami', {})
    const [first, again, bobs] = [await who(one.client), await who(one.client), await who(two.client)]
    expect([first.env.TOKEN, again.env.TOKEN, bobs.env.TOKEN]).toEqual([ALICE, ALICE, BOB])
    expect(again.pid).toBe(first.pid)
    expect(bobs.pid).not.toBe(first.pid)
    // A process that crashed is one call's failure; the next has another.
    const crashed = one.client.callTool({ name: 's__crash', arguments: { code: 3 } })
    expect(JSON.stringify(await crashed.catch(String))).toContain('ended with code 3')
    await expect.poll(async () => (await who(one.client)).pid).toBeGreaterThan(first.pid)
    expect((await who(two.client)).pid).toBe(bobs.pid)
    for (const { client } of [one, two]) await client.close()
    expect(JSON.stringify(gateway.logged)).not.toContain(ALICE)
  })

  it('serves agents of the gateway where it speaks the stateless era alone', async () => {
    const stateless = await put({ env: { ERA: 'stateless' } })
    await agent.until(stateless, ['running'])
    const { client } = await gateway.connect(gatewayAgent(stateless, { TOKEN: BOB }))
    const [first, again] = [
      await callTool<Who>(client, 's__whoami', {}),
      await callTool<Who>(client, 's__whoami', {}),
    ]
    expect(first.env.TOKEN).toBe(BOB)
    expect(again.pid).toBe(first.pid)
    await client.close()
    await agent.put(stateless, { desired: 'absent', fence: 2 })
    await agent.until(stateless, ['absent'])
    expect(isAlive(first.pid)).toBe(false)
  })

  it('of sessions refuses the stateless era, so that clients begin a session', async () => {
    const alices = of('a', { TOKEN: ALICE })
    const before = await sessions()
    expect(await ask(alices, 'server/discover')).toMatchObject({ status: 400 })
    expect(await ask(alices, 'tools/list')).toMatchObject({ status: 400 })
    expect(await sessions()).toBe(before)
  })

  it('F30: leaves nothing behind when the agent is killed, when it stops and when it is deleted', async () => {
    const pids = await Promise.all(
      ['a', 'b'].map(async (name) => (await whoami(await connect(of(name, { TOKEN: ALICE })))).pid),
    )
    await agent.end('SIGKILL')
    clients.length = 0
    await agent.start()
    await agent.until(id, ['running'])
    expect(pids.map(isAlive)).toEqual([false, false])
    const { pid } = await whoami(await connect(of('a', { TOKEN: ALICE })))
    await agent.put(id, { desired: 'stopped', fence: 2 })
    await agent.until(id, ['stopped'])
    expect(isAlive(pid)).toBe(false)
    await agent.put(id, { desired: 'absent', fence: 3 })
    await agent.until(id, ['absent'])
    expect(await leftoversOf(agent.home, [id])).toEqual([])
  })
})
