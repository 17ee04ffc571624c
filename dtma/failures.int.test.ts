import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LogLines } from '#contracts/dtma.ts'
import type { InstanceSpec, InstanceStatus } from '#contracts/instances.ts'
import { type AgentProcess, createAgentProcess, specOf } from '#testing/agent-process.ts'
import { type ControlPlaneStandIn, startControlPlaneStandIn } from '#testing/control-plane-stand-in.ts'
import { type FixtureRegistry, startFixtureRegistry } from '#testing/npm-registry.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../testing/fixtures/${name}`, import.meta.url))
const ours = (name: string) => ({ type: 'npm' as const, package: `@toolberth-fixtures/${name}`, args: [] })

let controlPlane: ControlPlaneStandIn
let registry: FixtureRegistry
let agent: AgentProcess

beforeAll(async () => {
  registry = await startFixtureRegistry(
    ['exits-at-once', 'needs-variable', 'not-mcp', 'no-bin', 'plain-server'].map(fixture),
  )
  controlPlane = await startControlPlaneStandIn()
  agent = await createAgentProcess(controlPlane, {
    DTMA_NPM_USERCONFIG: registry.npmrcPath,
    DTMA_READY_TIMEOUT_SECONDS: '4',
  })
  await agent.start()
})

afterAll(async () => {
  await agent?.dispose()
  await controlPlane?.stop()
  await registry?.stop()
})

async function endOf(change: Partial<InstanceSpec> & { source: InstanceSpec['source'] }) {
  const id = crypto.randomUUID()
  await agent.put(id, { desired: 'running', fence: 1, spec: specOf(change) })
  const status: InstanceStatus = await agent.until(id, ['failed', 'exited'])
  const { lines } = LogLines.parse((await agent.call('GET', `/v1/instances/${id}/logs`)).body)
  return { id, status, log: lines.map((line) => line.text).join('\n') }
}

describe('what can be wrong with a package', () => {
  it('does not exist', async () => {
    const { status } = await endOf({ source: ours('no-such-package') })
    expect(status).toMatchObject({ state: 'failed', error: { code: 'PACKAGE_NOT_FOUND' } })
  })

  it('has no such version', async () => {
    const { status } = await endOf({ source: { ...ours('not-mcp'), version: '9.9.9' } })
    expect(status).toMatchObject({ state: 'failed', error: { code: 'PACKAGE_VERSION_NOT_FOUND' } })
  })

  it('has no executable, or not the one asked for', async () => {
    expect((await endOf({ source: ours('no-bin') })).status.error).toMatchObject({
      code: 'PACKAGE_HAS_NO_BIN',
      detail: expect.stringContaining('no executable'),
    })
    expect((await endOf({ source: { ...ours('not-mcp'), bin: 'other' } })).status.error).toMatchObject({
      code: 'PACKAGE_HAS_NO_BIN',
      detail: expect.stringContaining('"not-mcp"'),
    })
  })

  it('exits at once', async () => {
    const { status, log } = await endOf({ source: ours('exits-at-once') })
    expect(status).toMatchObject({ state: 'exited', exitCode: 3, error: { code: 'SERVER_EXITED' } })
    expect(status.error?.detail).toContain('Cannot open the database')
    expect(log).toContain('Cannot open the database')
  })

  it('needs a variable', async () => {
    const { status } = await endOf({ source: ours('needs-variable') })
    expect(status).toMatchObject({
      state: 'exited',
      exitCode: 1,
      error: { code: 'SERVER_NEEDS_VARIABLE', variable: 'API_TOKEN' },
    })
  })

  it('is no MCP server, but talks', async () => {
    const { status, log } = await endOf({ source: ours('not-mcp') })
    expect(status).toMatchObject({ state: 'failed', error: { code: 'NOT_AN_MCP_SERVER' } })
    expect(log).toContain('Compiled successfully')
  })

  it('F8: is no MCP server, but serves HTTP', async () => {
    const source = { type: 'npm' as const, package: 'http-server', args: [] }
    expect((await endOf({ source })).status.error?.code).toBe('NOT_AN_MCP_SERVER')
    const elsewhere = { ...source, args: ['-p', '18479'] }
    const { status } = await endOf({ source: elsewhere, transport: 'streamable-http' })
    expect(status.error?.code).toBe('SERVER_NOT_LISTENING')

    const id = crypto.randomUUID()
    await agent.put(id, {
      desired: 'running',
      fence: 1,
      spec: specOf({ source, transport: 'streamable-http' }),
    })
    await agent.until(id, ['running'])
    const answer = await agent.call('POST', `/v1/instances/${id}/mcp`, { body: {} })
    expect([404, 405]).toContain(answer.status)
  }, 180_000)

  it('leaves nothing when it is removed', async () => {
    const { id } = await endOf({ source: ours('exits-at-once') })
    await agent.put(id, { desired: 'absent', fence: 2 })
    expect(await agent.until(id, ['absent'])).toMatchObject({ error: null, exitCode: null })
  })
})

it('F8: the port of the agent itself is never taken for that of a server', async () => {
  const id = crypto.randomUUID()
  const http = { path: '/mcp', port: { fixed: Number(new URL(agent.url).port) } }
  const spec = specOf({ source: ours('not-mcp'), transport: 'streamable-http', http })
  await agent.put(id, { desired: 'running', fence: 1, spec })
  // Without users of their own, servers cannot be told apart by who listens; then it is the call that fails.
  const { state } = await agent.until(id, ['failed', 'exited', 'running'])
  const call = await agent.call('POST', `/v1/instances/${id}/mcp`, { body: {} })
  const mistaken = state === 'running' && process.getuid?.() === 0
  expect({ mistaken, refused: call.status >= 400 }).toEqual({ mistaken: false, refused: true })
})

it('F34: arguments and variables reach the server as they are, through no shell', async () => {
  const id = crypto.randomUUID()
  const args = ['; touch pwned', '$(touch pwned)', '`touch pwned`', '&& exit 1', "it's", '*', '--flag=$HOME']
  const spec = specOf({ source: { ...ours('plain-server'), args }, env: { SHOWN: '$(id); `id`' } })
  await agent.put(id, { desired: 'running', fence: 1, spec })
  await agent.until(id, ['running'])
  const { lines } = LogLines.parse((await agent.call('GET', `/v1/instances/${id}/logs`)).body)
  expect(lines.map(({ text }) => text)).toContain(JSON.stringify({ args, shown: '$(id); `id`' }))
  for (const tail of ['1;id', '$(id)', '-1', '1e3', '../../etc/passwd']) {
    const answer = await agent.call('GET', `/v1/instances/${id}/logs?tail=${encodeURIComponent(tail)}`)
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'BAD_REQUEST' } } })
  }
})

it('an installation can be cancelled', async () => {
  const id = crypto.randomUUID()
  const source = { type: 'npm' as const, package: '@modelcontextprotocol/server-everything', args: [] }
  await agent.put(id, { desired: 'running', fence: 1, spec: specOf({ source }) })
  await agent.until(id, ['installing'])
  await agent.put(id, { desired: 'absent', fence: 2 })
  expect(await agent.until(id, ['absent'])).toMatchObject({ error: null })
})

it('a wrong environment is one clear line', async () => {
  const wrong = await createAgentProcess(controlPlane, { CONTROL_PLANE_URL: 'http://example.com' })
  await expect(wrong.start()).rejects.toThrow('CONTROL_PLANE_URL: must be https')
  await wrong.dispose()
})

it('a home has one agent', async () => {
  const second = await createAgentProcess(controlPlane, { DTMA_HOME: agent.home })
  await expect(second.start()).rejects.toThrow(`Another agent (process ${agent.pid()})`)
  await second.dispose()
})
