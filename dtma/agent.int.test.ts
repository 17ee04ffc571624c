import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AgentStatus, LogLines } from '#contracts/dtma.ts'
import { createIdentity } from '#protocol/identity.ts'
import { type AgentProcess, callTool, createAgentProcess, pause, specOf } from '#testing/agent-process.ts'
import { type ControlPlaneStandIn, startControlPlaneStandIn } from '#testing/control-plane-stand-in.ts'

const EVERYTHING = { type: 'npm' as const, package: '@modelcontextprotocol/server-everything', args: [] }

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

describe('trust', () => {
  it('enrols, is dialled back and reports its status', async () => {
    expect(controlPlane.agentCertificate()).toContain('BEGIN CERTIFICATE')
    const { status, body } = await agent.call('GET', '/v1/status')
    expect(status).toBe(200)
    expect(AgentStatus.parse(body)).toMatchObject({ toolboxId: controlPlane.toolboxId, driver: 'process' })
  })

  it('refuses other clients, and gives the gateway the MCP endpoints alone', async () => {
    const stranger = await createIdentity('worker')
    const path = `/v1/instances/${crypto.randomUUID()}`
    expect(await agent.call('GET', '/v1/status', { as: stranger })).toMatchObject({
      status: 403,
      body: { error: { code: 'FORBIDDEN' } },
    })
    expect(await agent.call('GET', '/healthz', { as: stranger })).toMatchObject({ status: 200 })
    for (const [method, target] of [
      ['GET', '/v1/status'],
      ['PUT', path],
      ['GET', path],
      ['GET', `${path}/logs`],
    ] as const) {
      const answer = await agent.call(method, target, { as: controlPlane.gateway })
      expect(answer).toMatchObject({ status: 403, body: { error: { code: 'FORBIDDEN' } } })
    }
    expect(await agent.call('POST', `${path}/mcp`, { as: controlPlane.gateway })).toMatchObject({
      status: 404,
      body: { error: { code: 'NOT_FOUND' } },
    })
  })

  it('refuses a client without a certificate', async () => {
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
    const answer = await request(`${agent.url}/v1/status`, { dispatcher })
    expect(answer.statusCode).toBe(401)
    expect(await answer.body.json()).toMatchObject({ error: { code: 'UNAUTHORIZED' } })
    await dispatcher.destroy()
  })

  it('answers a wrong clock with the offset and goes on', async () => {
    controlPlane.setClock(3600_000)
    const from = controlPlane.seen.length
    await controlPlane.nextHeartbeat(() => true)
    expect(controlPlane.seen.slice(from).map((call) => call.refused)).toContain('CLOCK_SKEW')
    controlPlane.setClock(0)
    await controlPlane.nextHeartbeat(() => true)
  })

  it('refuses nonsense in words', async () => {
    const id = crypto.randomUUID()
    for (const [method, path, body] of [
      ['PUT', '/v1/instances/no-uuid', {}],
      ['PUT', `/v1/instances/${id}`, { desired: 'flying', fence: 1 }],
      ['PUT', `/v1/instances/${id}`, { desired: 'running', fence: -1 }],
      ['GET', `/v1/instances/${id}/../../x`, undefined],
      ['GET', '/v2/status', undefined],
      ['DELETE', '/v1/status', undefined],
    ] as const) {
      const answer = await agent.call(method, path, body === undefined ? {} : { body })
      expect([400, 404], `${method} ${path}`).toContain(answer.status)
      expect(answer.body).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } })
    }
    const big = { desired: 'running', fence: 1, spec: 'x'.repeat(5 * 1024 * 1024) }
    expect(await agent.call('PUT', `/v1/instances/${id}`, { body: big })).toMatchObject({
      status: 413,
      body: { error: { code: 'TOO_LARGE' } },
    })
  })
})

describe('a stdio server', () => {
  const id = crypto.randomUUID()
  const spec = specOf({ source: EVERYTHING, env: { GREETING: 'hello' } })

  it('F11: is installed, started and reported with real phases', async () => {
    const seenRunning = controlPlane.nextHeartbeat((beat) =>
      beat.instances.some((instance) => instance.id === id && instance.state === 'running'),
    )
    const accepted = await agent.put(id, { desired: 'running', fence: 5, spec })
    expect(accepted).toMatchObject({ status: 200, body: { id, fence: 5, desired: 'running' } })
    const running = await agent.until(id, ['running'])
    expect(running).toMatchObject({
      error: null,
      restarts: 0,
      resolvedVersion: expect.stringMatching(/^\d+\./),
    })
    await seenRunning
    const phases = controlPlane.heartbeats.flatMap((beat) => beat.instances.map((instance) => instance.phase))
    expect(phases.some((phase) => phase?.startsWith('Installing packages'))).toBe(true)
  })

  it('serves several MCP clients over mutual TLS', async () => {
    const [first, second] = [await agent.connect(id), await agent.connect(id)]
    const { tools } = await first.listTools()
    expect(tools.map((tool) => tool.name)).toEqual(expect.arrayContaining(['echo', 'get-sum']))
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        callTool(i % 2 === 0 ? first : second, 'echo', { message: `m${i}` }),
      ),
    )
    expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => `Echo: m${i}`))
    const progress: number[] = []
    await first.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 1, steps: 4 } },
      undefined,
      { onprogress: (update) => progress.push(update.progress) },
    )
    expect(progress).toEqual([1, 2, 3, 4])
    expect((await agent.call('GET', `/v1/instances/${id}/stats`)).body).toMatchObject({
      memoryBytes: expect.any(Number),
      sessions: 2,
    })
    await first.close()
    await second.close()
  })

  it('gives the server a clean environment', async () => {
    const client = await agent.connect(id)
    const env = await callTool<Record<string, string>>(client, 'get-env', {})
    expect(env).toMatchObject({ GREETING: 'hello', HOME: expect.stringContaining(id) })
    expect(Object.keys(env).sort()).toEqual(
      ['GREETING', 'HOME', 'LANG', 'NODE_OPTIONS', 'PATH', 'TMPDIR', 'TOOLBERTH_INSTANCE'].sort(),
    )
    await client.close()
  })

  it('refuses a lower fence, accepts an equal one again, and keeps the spec', async () => {
    expect(await agent.put(id, { desired: 'absent', fence: 4 })).toMatchObject({
      status: 409,
      body: { error: { code: 'STALE_FENCE', fence: 5 } },
    })
    expect(await agent.put(id, { desired: 'running', fence: 5, spec })).toMatchObject({ status: 200 })
    const other = { ...spec, env: { GREETING: 'bye' } }
    expect(await agent.put(id, { desired: 'running', fence: 6, spec: other })).toMatchObject({ status: 400 })
    expect(await agent.put(crypto.randomUUID(), { desired: 'running', fence: 1 })).toMatchObject({
      status: 409,
      body: { error: { code: 'SPEC_NEEDED' } },
    })
    expect((await agent.status(id)).state).toBe('running')
  })

  it('restarts once for a new nonce', async () => {
    const before = await agent.status(id)
    await agent.put(id, { desired: 'running', fence: 6, restartNonce: 'a' })
    await agent.put(id, { desired: 'running', fence: 6, restartNonce: 'a' })
    const startedAt = async () => {
      const status = await agent.until(id, ['running'])
      return status.startedAt
    }
    await expect.poll(startedAt).not.toBe(before.startedAt)
    const after = await agent.status(id)
    await pause(300)
    expect((await agent.status(id)).startedAt).toBe(after.startedAt)
  })

  it('stops, refuses MCP meanwhile, and starts again', async () => {
    await agent.put(id, { desired: 'stopped', fence: 7 })
    await agent.until(id, ['stopped'])
    expect(await agent.call('POST', `/v1/instances/${id}/mcp`)).toMatchObject({
      status: 503,
      body: { error: { code: 'NOT_RUNNING' } },
    })
    await agent.put(id, { desired: 'running', fence: 8 })
    await agent.until(id, ['running'])
  })

  it('keeps its log, and follows it', async () => {
    const { body } = await agent.call('GET', `/v1/instances/${id}/logs?tail=50`)
    const { lines } = LogLines.parse(body)
    expect(lines.some((line) => line.stream === 'agent' && line.text.startsWith('Installed'))).toBe(true)
    expect(lines.some((line) => line.stream === 'stderr')).toBe(true)
    const { body: following } = await agent.open(`/v1/instances/${id}/logs?tail=1&follow=1`)
    const chunks: string[] = []
    for await (const chunk of following?.pipeThrough(new TextDecoderStream()) ?? []) {
      // It is followed once the last line has come.
      if (chunks.length === 0) await agent.put(id, { desired: 'absent', fence: 9 })
      chunks.push(chunk)
    }
    expect(chunks.join('').trim().split('\n').length).toBeGreaterThan(1)
  })

  it('is absent with nothing left but its fence', async () => {
    const gone = await agent.until(id, ['absent'])
    expect(gone).toMatchObject({ fence: 9, desired: 'absent' })
    expect(await agent.put(id, { desired: 'running', fence: 8, spec })).toMatchObject({ status: 409 })
    expect(await agent.put(id, { desired: 'running', fence: 9, spec })).toMatchObject({ status: 409 })
    expect(await agent.put(id, { desired: 'absent', fence: 9 })).toMatchObject({ status: 200 })
    expect((await agent.call('GET', `/v1/instances/${id}/logs`)).body).toEqual({ lines: [] })
  })
})

describe('a streamable-http server', () => {
  it('is proxied with its own sessions', async () => {
    const id = crypto.randomUUID()
    await agent.put(id, {
      desired: 'running',
      fence: 1,
      spec: specOf({ source: { ...EVERYTHING, args: ['streamableHttp'] }, transport: 'streamable-http' }),
    })
    await agent.until(id, ['running'])
    const client = await agent.connect(id)
    expect(await callTool(client, 'echo', { message: 'hi' })).toBe('Echo: hi')
    await client.close()
    await agent.put(id, { desired: 'absent', fence: 2 })
    await agent.until(id, ['absent'])
  })
})

describe('heartbeat answers', () => {
  it('start what the agent did not know, and end it', async () => {
    const id = crypto.randomUUID()
    const assignment = { id, desired: 'running' as const, fence: 3, spec: specOf({ source: EVERYTHING }) }
    controlPlane.assignments.set(id, assignment)
    await controlPlane.nextHeartbeat((beat) =>
      beat.instances.some((i) => i.id === id && i.state === 'running'),
    )
    controlPlane.assignments.set(id, { ...assignment, desired: 'absent', fence: 4 })
    const last = await controlPlane.nextHeartbeat((beat) =>
      beat.instances.some((i) => i.id === id && i.state === 'absent'),
    )
    expect(last.instances.find((instance) => instance.id === id)).toMatchObject({
      desired: 'absent',
      fence: 4,
    })
    controlPlane.assignments.delete(id)
  })
})
