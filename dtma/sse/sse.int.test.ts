import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { InstanceSource } from '#contracts/instances.ts'
import { type AgentProcess, createAgentProcess, specOf } from '#testing/agent-process.ts'
import { type ControlPlaneStandIn, startControlPlaneStandIn } from '#testing/control-plane-stand-in.ts'
import { EVERYTHING, freePort } from '#testing/everything-server.ts'
import { startHttpPeer } from '#testing/probe-peers.ts'
import { noteProcess } from '#testing/run-folder.ts'

let controlPlane: ControlPlaneStandIn
let agent: AgentProcess
let server: ChildProcess
let url: string

beforeAll(async () => {
  const port = await freePort()
  url = `http://127.0.0.1:${port}/sse`
  server = spawn(process.execPath, [EVERYTHING, 'sse'], {
    env: { NODE_ENV: 'production', PATH: process.env.PATH, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (server.pid !== undefined) noteProcess(inject('runFolder'), server.pid)
  await new Promise<void>((resolve) => {
    let said = ''
    // Read on after that: a server whose words nobody reads ends.
    server.stderr?.on('data', (chunk) => {
      said += String(chunk)
      if (said.includes('running on port')) resolve()
    })
  })
  controlPlane = await startControlPlaneStandIn()
  agent = await createAgentProcess(controlPlane, { DTMA_ALLOW_PRIVATE_REMOTES: '127.0.0.0/8' })
  await agent.start()
})

afterAll(async () => {
  await agent?.dispose()
  await controlPlane?.stop()
  if (server?.exitCode === null && server.kill('SIGKILL')) await once(server, 'exit')
})

async function put(source: InstanceSource): Promise<string> {
  const id = crypto.randomUUID()
  const listens = source.type !== 'remote' && { http: { path: '/sse', port: { env: 'PORT' } } }
  const spec = specOf({ source, transport: 'sse', ...listens })
  expect(await agent.put(id, { desired: 'running', fence: 1, spec })).toMatchObject({ status: 200 })
  return id
}

const sessions = async (id: string) =>
  ((await agent.call('GET', `/v1/instances/${id}/stats`)).body as { sessions: number }).sessions

describe('a server of the older SSE transport', () => {
  it('elsewhere answers calls over streamable HTTP, and asks the client that calls', async () => {
    const id = await put({ type: 'remote', url, headers: {} })
    expect(await agent.until(id, ['running', 'failed'])).toMatchObject({ state: 'running', error: null })
    const client = new Client({ name: 'test', version: '1' }, { capabilities: { sampling: {} } })
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: 'assistant',
      model: 'none',
      content: { type: 'text', text: 'sampled by this client' },
    }))
    await agent.connect(id, undefined, client)
    const { tools } = await client.listTools()
    const sample = tools.find(({ name }) => /sampling/i.test(name))?.name ?? 'none'
    const asked = await client.callTool({ name: sample, arguments: { prompt: 'hi', maxTokens: 10 } })
    expect(JSON.stringify(asked.content)).toContain('sampled by this client')
    const texts = await Promise.all(
      ['a', 'b'].map(async (message) =>
        JSON.stringify(await client.callTool({ name: 'echo', arguments: { message } })),
      ),
    )
    expect(texts).toEqual([expect.stringContaining('a'), expect.stringContaining('b')])
    await (client.transport as StreamableHTTPClientTransport).terminateSession()
  })

  it('that runs here does so too, and its sessions end with their clients', async () => {
    const id = await put({ type: 'npm', package: '@modelcontextprotocol/server-everything', args: ['sse'] })
    expect(await agent.until(id, ['running', 'failed'])).toMatchObject({ state: 'running', error: null })
    const [one, two] = [await agent.connect(id), await agent.connect(id)]
    const call = async (client: Client, message: string) =>
      JSON.stringify(await client.callTool({ name: 'echo', arguments: { message } }))
    const answers = await Promise.all([call(one, 'for the first'), call(two, 'for the second')])
    expect(answers).toEqual([
      expect.stringContaining('for the first'),
      expect.stringContaining('for the second'),
    ])
    expect(await sessions(id)).toBe(2)
    for (const client of [one, two])
      await (client.transport as StreamableHTTPClientTransport).terminateSession()
    expect(await sessions(id)).toBe(0)
  })

  it('may not send its messages to another origin', async () => {
    let strayed = 0
    const other = await startHttpPeer((_request, response) => {
      strayed++
      response.end()
    })
    const peer = await startHttpPeer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`event: endpoint\ndata: ${other.url}/message\n\n`)
    })
    const id = await put({ type: 'remote', url: `${peer.url}/sse`, headers: { 'X-Key': 'secret' } })
    expect(await agent.until(id, ['failed'])).toMatchObject({
      error: { code: 'NOT_AN_MCP_SERVER', detail: expect.stringContaining('another origin') },
    })
    expect(strayed).toBe(0)
    await Promise.all([peer.stop(), other.stop()])
  })

  it.each([
    [401, 'AUTH_REQUIRED'],
    [403, 'SERVER_FORBIDS'],
    [404, 'ENDPOINT_NOT_FOUND'],
  ])('that answers %i is named as %s', async (status, code) => {
    const peer = await startHttpPeer((_request, response) => void response.writeHead(status).end())
    const id = await put({ type: 'remote', url: `${peer.url}/sse`, headers: {} })
    expect(await agent.until(id, ['failed'])).toMatchObject({ error: { code } })
    await peer.stop()
  })
})

describe('F40: an SSE server at an address that is not public', () => {
  it('is not called', async () => {
    const id = await put({ type: 'remote', url: 'http://169.254.169.254/sse', headers: {} })
    expect(await agent.until(id, ['failed'])).toMatchObject({ error: { code: 'REMOTE_ADDRESS_REFUSED' } })
  })
})
