import { request as httpRequest } from 'node:http'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createIdentity } from '#protocol/identity.ts'
import { TOOLS } from '#testing/conformance/fixture.ts'
import { type ConformanceFixture, startConformanceFixture } from '#testing/conformance/start-fixture.ts'
import {
  newToken,
  serverFacts,
  startTestGateway,
  type TestGateway,
  testAgent,
  testConnection,
} from '#testing/gateway.ts'
import { answerParams, mcpPeer } from '#testing/mcp-peer.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

let redis: TestRedis
let toolbox: ToolboxStandIn
let gateway: TestGateway
let fixture: ConformanceFixture
const tools = TOOLS.map(({ definition }) => definition)

beforeAll(async () => {
  const identity = await createIdentity('gateway')
  ;[redis, toolbox, fixture] = await Promise.all([
    createTestRedis(),
    startToolboxStandIn(identity.certificate),
    startConformanceFixture(),
  ])
  gateway = await startTestGateway(redis.url, { identity })
})
afterAll(async () => {
  // What still hangs there would be waited for.
  toolbox.cut()
  await gateway.close(0)
  await Promise.all([toolbox.stop(), fixture.stop(), redis.stop()])
})

const SIMPLE = { name: 's__test_simple_text', arguments: {} }
const SAYS = { content: [{ text: 'This is a simple text response for testing.' }] }

/** The gateway's own patience with a call on which nothing happens. */
const SILENCE_MS = 60_000

/** Names on every page of the list of tools. */
async function listAll(client: Client): Promise<string[]> {
  const names: string[] = []
  for (let cursor: string | undefined; ; ) {
    const { tools, nextCursor } = await client.listTools(cursor === undefined ? {} : { cursor })
    names.push(...tools.map(({ name }) => name))
    if (nextCursor === undefined) return names
    cursor = nextCursor
  }
}

describe('servers that hang or are gone', () => {
  it('F29: delay neither the list of tools nor a call to any other server', async () => {
    const nobody = { ...toolbox, url: 'https://127.0.0.1:4' }
    const connections = [
      ...['s', 't', 'u'].map((slug) => testConnection(toolbox, { tools, slug })),
      ...['hangs', 'hangs-too'].map((slug) => testConnection(toolbox, { tools, slug })),
      testConnection(nobody, { tools, slug: 'gone' }),
    ]
    for (const { slug, instanceId } of connections) {
      // Accepted, and never answered.
      toolbox.instances.set(instanceId ?? '', slug.startsWith('hangs') ? () => {} : fixture.url)
    }
    const token = newToken()
    gateway.rights.set(token, testAgent(connections))
    const { client } = await gateway.connect(token)
    const ending = new AbortController()
    const hanging = ['hangs', 'hangs-too'].map((slug) =>
      client.callTool({ name: `${slug}__test_simple_text` }, undefined, { signal: ending.signal }),
    )
    const began = Date.now()
    const listed = await listAll(client)
    for (let turn = 0; turn < 5; turn++) {
      for (const slug of ['s', 't', 'u'])
        expect(await client.callTool({ name: `${slug}__test_simple_text` })).toMatchObject(SAYS)
    }
    // Far above what all this takes, and far below any time-out of the two that hang.
    expect(Date.now() - began).toBeLessThan(SILENCE_MS / 2)
    for (const slug of ['s', 't', 'u']) expect(listed).toContain(`${slug}__test_simple_text`)
    ending.abort()
    for (const { status } of await Promise.allSettled(hanging)) expect(status).toBe('rejected')
    await client.close()
  })
})

describe('a server that comes back', () => {
  it('F31: serves every session that was open, none of which had to be made anew', async () => {
    const clients = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { token } = await gateway.agentAt(toolbox, fixture.url, { tools })
        return (await gateway.connect(token)).client
      }),
    )
    const calls = () => clients.map((client) => client.callTool(SIMPLE))
    const all = () => Promise.all(calls())
    for (const answer of await all()) expect(answer).toMatchObject(SAYS)
    await fixture.stop()
    for (const { status } of await Promise.allSettled(calls())) expect(status).toBe('rejected')
    fixture = await startConformanceFixture(fixture.port)
    for (let turn = 0; turn < 20; turn++) for (const answer of await all()) expect(answer).toMatchObject(SAYS)
    await Promise.all(clients.map((client) => client.close()))
  })

  it('F31: shows its new tools to sessions that were open', async () => {
    const connection = testConnection(toolbox, { tools: tools.slice(0, 1), slug: 's' })
    toolbox.instances.set(connection.instanceId ?? '', fixture.url)
    const token = newToken()
    const rights = testAgent([connection])
    gateway.rights.set(token, rights)
    const { client } = await gateway.connect(token)
    expect((await client.listTools()).tools).toHaveLength(1)
    const approved = { ...connection, tools, ...serverFacts(tools) }
    gateway.rights.set(token, { ...rights, connections: [approved] })
    await expect.poll(async () => (await client.listTools()).tools.length).toBe(tools.length)
    expect(await client.callTool(SIMPLE)).toMatchObject(SAYS)
    await client.close()
  })

  it('F32: is called again by itself, however often it failed', async () => {
    let fails = true
    const peer = mcpPeer(answerParams)
    const { call } = await gateway.agentAt(toolbox, (request, response) =>
      fails ? response.destroy() : peer.listener(request, response),
    )
    for (let turn = 0; turn < 12; turn++) expect((await call()).error?.data.retryable).toBe(true)
    fails = false
    await expect.poll(() => call(), { timeout: 30_000 }).toHaveProperty('result')
    for (let turn = 0; turn < 12; turn++) expect(await call()).toHaveProperty('result')
  })
})

describe('a page or an agent that wants more than its own', () => {
  it('F36: a name that was bound to this machine reaches nothing, by no method and no address', async () => {
    const { token, session } = await gateway.agentAt(toolbox, fixture.url, { tools })
    const ask = (path: string, method: string, headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const body = method === 'POST' ? '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' : undefined
        const sent = httpRequest(
          `${gateway.origin}${path}`,
          {
            method,
            headers: {
              'content-type': 'application/json',
              accept: 'application/json, text/event-stream',
              ...session,
              ...headers,
            },
          },
          (response) => {
            response.resume()
            resolve(response.statusCode)
          },
        )
        sent.once('error', reject)
        sent.end(body)
      })
    const paths = [`/t/${token}/mcp`, '/agents/5b0f3ab0-9c5b-4a0e-8a4e-0f5f2f0f5b10/mcp']
    for (const path of paths) {
      for (const method of ['POST', 'GET', 'DELETE']) {
        expect(await ask(path, method, { host: 'rebound.example' }), `${method} ${path}`).toBe(403)
        expect(await ask(path, method, { origin: 'http://rebound.example' }), `${method} ${path}`).toBe(403)
      }
    }
    expect(await ask(paths[0] ?? '', 'POST', {})).toBe(200)
  })

  it('F36: no header, query or name of an agent gets into the request to a server', async () => {
    const asked: string[] = []
    const peer = mcpPeer(answerParams)
    const { token, session, connection } = await gateway.agentAt(toolbox, (request, response) => {
      asked.push(request.url ?? '')
      peer.listener(request, response)
    })
    const forged = {
      authorization: 'Bearer forged',
      cookie: 'forged=1',
      'x-forwarded-for': 'forged',
      'toolberth-user-env': 'forged',
      'toolberth-user-headers': 'forged',
      'toolberth-agent': 'forged',
      'mcp-param-forged': 'forged',
      'x-forged': 'forged',
    }
    const call = async (name: string) => {
      const response = await fetch(`${gateway.origin}/t/${token}/mcp?forged=1`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...session,
          ...forged,
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } }),
      })
      return (await response.json()) as object
    }
    expect(await call('s__tool')).toHaveProperty('result')
    expect(await call('s__tool\r\nx-forged: forged')).toHaveProperty('error')
    expect(await call('s__../../other?forged=1')).toHaveProperty('error')
    const sent = toolbox.seen.filter(({ instanceId }) => instanceId === connection.instanceId)
    expect(sent.length).toBeGreaterThan(1)
    expect(JSON.stringify([sent, asked])).not.toContain('forged')
    expect(new Set(asked)).toEqual(new Set([`/v1/instances/${connection.instanceId}/mcp`]))
  })
})
