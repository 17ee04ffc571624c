import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import type { DeployServerInput } from '#contracts/servers.ts'
import { probeMcp } from '#mcp/probe.ts'
import { freePort } from '#testing/everything-server.ts'
import { type Ending, type Installation, startInstallation } from '#testing/faults/installation.ts'
import { leftoversOf } from '#testing/faults/leftovers.ts'
import { startHttpPeer } from '#testing/probe-peers.ts'
import { bundlePackage, installedVersion } from './bundle-package.ts'
import { startChild } from './start-child.ts'

/** A machine that does much else besides may take long. */
const ENDED_MS = 150_000
const MCP = '@modelcontextprotocol'
const NOTION_BEARER = 'bearer-of-the-notion-server'

/** `tool` is called with `args` and answers with something that holds `says`. */
type Case = {
  name: string
  deploy: Omit<DeployServerInput, 'name'>
  tool: string
  args: Record<string, unknown>
  says: string
}

const [context7Port, notionPort, playwrightPort] = [await freePort(), await freePort(), await freePort()]
const npm = (name: string, args: string[] = []) => ({
  type: 'npm' as const,
  package: `${MCP}/${name}`,
  version: installedVersion(`${MCP}/${name}`),
  args,
})
const CASES: Case[] = [
  {
    name: 'everything-stdio',
    deploy: { source: npm('server-everything', ['stdio']), transport: 'stdio' },
    tool: 'get-sum',
    args: { a: 2, b: 40 },
    says: '42',
  },
  {
    name: 'everything-http',
    deploy: { source: npm('server-everything', ['streamableHttp']), transport: 'streamable-http' },
    tool: 'echo',
    args: { message: 'over HTTP' },
    says: 'Echo: over HTTP',
  },
  {
    name: 'filesystem',
    deploy: { source: npm('server-filesystem', ['/usr/share']), transport: 'stdio' },
    tool: 'list_allowed_directories',
    args: {},
    says: '/usr/share',
  },
  {
    name: 'memory',
    deploy: {
      source: npm('server-memory'),
      transport: 'stdio',
      data: [{ mountPath: '/data' }],
      env: { MEMORY_FILE_PATH: { value: '/data/memory.jsonl' } },
    },
    tool: 'create_entities',
    args: { entities: [{ name: 'Ada', entityType: 'person', observations: ['counts'] }] },
    says: 'Ada',
  },
  {
    name: 'thinking',
    deploy: { source: npm('server-sequential-thinking'), transport: 'stdio' },
    tool: 'sequentialthinking',
    args: { thought: 'One', thoughtNumber: 1, totalThoughts: 1, nextThoughtNeeded: false },
    says: 'thoughtHistoryLength',
  },
  {
    name: 'context7',
    deploy: {
      source: { type: 'remote', url: `http://127.0.0.1:${context7Port}/mcp` },
      transport: 'streamable-http',
    },
    tool: 'resolve-library-id',
    args: { query: 'berths', libraryName: 'toolberth' },
    says: 'A library about berths',
  },
  {
    name: 'notion',
    deploy: {
      source: {
        type: 'remote',
        url: `http://127.0.0.1:${notionPort}/mcp`,
        headers: { Authorization: `Bearer ${NOTION_BEARER}` },
      },
      transport: 'streamable-http',
    },
    tool: 'API-get-self',
    args: {},
    says: 'secret-of-notion',
  },
  {
    // It may lack a browser where tests run, so it is given none: it says so in its own words.
    name: 'playwright',
    deploy: {
      source: { type: 'remote', url: `http://127.0.0.1:${playwrightPort}/mcp` },
      transport: 'streamable-http',
    },
    tool: 'browser_tabs',
    args: { action: 'list' },
    says: '### Error',
  },
]

let installation: Installation
let api: Awaited<ReturnType<typeof startHttpPeer>>
let children: { stop(): Promise<void> }[] = []
let connect: () => Promise<Client>
let mcp: Client
const endings = new Map<string, Ending>()

beforeAll(async () => {
  // What two of them ask on the internet.
  api = await startHttpPeer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(
        request.url?.startsWith('/v2/libs/search')
          ? { results: [{ id: '/t/t', title: 'Toolberth', description: 'A library about berths' }] }
          : { object: 'user', id: request.headers.authorization },
      ),
    )
  })
  const out = mkdtempSync(join(inject('runFolder'), 'packages-'))
  const [folders, ...started] = await Promise.all([
    Promise.all([
      bundlePackage(`${MCP}/server-everything`, out, ['dist/docs']),
      bundlePackage(`${MCP}/server-filesystem`, out),
      bundlePackage(`${MCP}/server-memory`, out),
      bundlePackage(`${MCP}/server-sequential-thinking`, out),
    ]),
    startChild(
      '@upstash/context7-mcp/dist/index.js',
      ['--transport', 'http', '--port', String(context7Port)],
      context7Port,
      { CONTEXT7_API_URL: api.url },
    ),
    startChild(
      '@notionhq/notion-mcp-server/bin/cli.mjs',
      ['--transport', 'http', '--port', String(notionPort), '--auth-token', NOTION_BEARER],
      notionPort,
      { NOTION_TOKEN: 'secret-of-notion', BASE_URL: api.url },
    ),
    startChild(
      '@playwright/mcp/cli.js',
      [
        ...['--headless', '--isolated', '--executable-path', '/nonexistent'],
        ...['--host', '127.0.0.1', '--allowed-hosts', '*', '--port', String(playwrightPort)],
      ],
      playwrightPort,
    ),
  ])
  children = started
  installation = await startInstallation(folders, { env: { DTMA_ALLOW_PRIVATE_REMOTES: '127.0.0.0/8' } })
  const { client } = installation
  const agent = await client.agents.create.mutate({ name: 'caller' })
  await Promise.all(
    CASES.map(async ({ name, deploy }) => {
      const limits = { memoryMb: 192 }
      const made = await client.servers.deploy.mutate({ name, limits, ...deploy })
      const ending = await installation.ended(made.deploymentId, ENDED_MS)
      endings.set(name, ending)
      if (ending.state !== 'live') return
      await client.connections.create.mutate({ agentId: agent.id, serverId: made.serverId })
    }),
  )
  connect = async () => {
    const made = new Client({ name: 'test', version: '1.0.0' })
    const requestInit = { headers: { authorization: `Bearer ${agent.token}` } }
    await made.connect(new StreamableHTTPClientTransport(new URL(agent.url), { requestInit }))
    return made
  }
  mcp = await connect()
}, 400_000)

afterAll(async () => {
  await mcp?.close()
  await installation?.stop()
  await Promise.all([api, ...children].map((started) => started?.stop()))
}, 60_000)

it.each(CASES)('$name is deployed, probed, connected and called through the gateway', async (of) => {
  expect(endings.get(of.name)).toEqual({ state: 'live', failure: null })
  const { tools } = await mcp.listTools()
  expect(tools.map(({ name }) => name)).toContain(`${of.name}__${of.tool}`)
  const answer = await mcp.callTool({ name: `${of.name}__${of.tool}`, arguments: of.args })
  expect(JSON.stringify(answer.content)).toContain(of.says)
})

it('F30: sessions and their calls start no process, neither while they are there nor afterwards', async () => {
  const processes = async () =>
    (await leftoversOf(installation.agentHome)).filter((found) => found.startsWith('process'))
  const before = await processes()
  expect(before.length).toBeGreaterThanOrEqual(CASES.length / 2)
  const clients = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const client = await connect()
      const calls = CASES.filter(({ deploy }) => deploy.source.type === 'npm').map((of) =>
        client.callTool({ name: `${of.name}__${of.tool}`, arguments: of.args }),
      )
      for (const { isError } of await Promise.all(calls)) expect(isError ?? false).toBe(false)
      return client
    }),
  )
  expect(await processes()).toEqual(before)
  await Promise.all(clients.map((client) => client.close()))
  expect(await processes()).toEqual(before)
})

it('a server that wants a bearer token says so to whoever comes without', async () => {
  const url = `http://127.0.0.1:${notionPort}/mcp`
  expect(await probeMcp({ url, timeoutMs: 10_000 })).toMatchObject({
    ok: false,
    failure: { code: 'AUTH_REQUIRED' },
  })
  const headers = { authorization: `Bearer ${NOTION_BEARER}` }
  expect(await probeMcp({ url, headers, timeoutMs: 10_000 })).toMatchObject({ ok: true })
})

it('the era of each is found out: the stateless one where a server speaks it, else that of sessions', async () => {
  const eraAt = async (port: number, headers = {}) => {
    const probe = await probeMcp({ url: `http://127.0.0.1:${port}/mcp`, headers, timeoutMs: 10_000 })
    return probe.ok ? probe.era : probe.failure
  }
  expect(await eraAt(context7Port)).toBe('modern')
  expect(await eraAt(notionPort, { authorization: `Bearer ${NOTION_BEARER}` })).toBe('legacy')
  expect(await eraAt(playwrightPort)).toBe('legacy')
})
