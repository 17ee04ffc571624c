import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { probeMcp } from '#mcp/probe.ts'
import { callTool } from '#testing/agent-process.ts'
import { type Ending, type Installation, startInstallation } from '#testing/faults/installation.ts'
import { leftoversOf } from '#testing/faults/leftovers.ts'
import { until } from '#testing/faults/until.ts'
import { startHttpPeer } from '#testing/probe-peers.ts'
import { bundlePackage } from './bundle-package.ts'
import { CASES, context7Port, MCP, NOTION_BEARER, notionPort, playwrightPort } from './cases.ts'
import { connectAgent, connectUser } from './connect-user.ts'
import { listenStateless, listenWithSession } from './listening.ts'
import { startChild } from './start-child.ts'

/** A machine that does much else besides may take long. */
const ENDED_MS = 150_000
/** Ours, which says what its process is given, and that its tools changed. */
const OURS = fileURLToPath(new URL('../docker/server', import.meta.url))
const run = promisify(execFile)

let installation: Installation
let api: Awaited<ReturnType<typeof startHttpPeer>>
let children: { stop(): Promise<void> }[] = []
let caller: { url: string; token: string }
let mcp: Client
const endings = new Map<string, Ending>()
/** Ids by name. */
const servers = new Map<string, string>()

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
  installation = await startInstallation([...folders, OURS], {
    env: { DTMA_ALLOW_PRIVATE_REMOTES: '127.0.0.0/8' },
  })
  const { client } = installation
  const agent = await client.agents.create.mutate({ name: 'caller' })
  await Promise.all(
    CASES.map(async ({ name, deploy }) => {
      const limits = { memoryMb: 192 }
      const made = await client.servers.deploy.mutate({ name, limits, ...deploy })
      const ending = await installation.ended(made.deploymentId, ENDED_MS)
      endings.set(name, ending)
      servers.set(name, made.serverId)
      if (ending.state !== 'live') return
      await client.connections.create.mutate({ agentId: agent.id, serverId: made.serverId })
    }),
  )
  caller = agent
  mcp = await connect()
}, 400_000)

afterAll(async () => {
  await mcp?.close()
  await installation?.stop()
  await Promise.all([api, ...children].map((started) => started?.stop()))
}, 60_000)

const connect = () => connectAgent(caller)

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

it('changes of a stdio server reach agents of both eras through its toolbox, until they leave', async () => {
  const { client } = installation
  const own = await client.agents.create.mutate({ name: 'listening' })
  for (const name of ['everything-stdio', 'changing'])
    await client.connections.create.mutate({ agentId: own.id, serverId: servers.get(name) ?? '' })
  const { mcp: session, heard } = await listenWithSession(own)
  const uri = 'demo://resource/dynamic/text/1'
  // A list does not wait for servers that are slow, and whose the resource is follows from it.
  await until('its templates are known', async () => {
    const { resourceTemplates } = await session.listResourceTemplates()
    return resourceTemplates.length > 0
  })
  await session.subscribeResource({ uri })
  const stateless = await listenStateless(own, {
    toolsListChanged: true,
    resourcesListChanged: true,
    resourceSubscriptions: [uri],
  })
  await expect.poll(() => stateless.heard.length).toBeGreaterThan(0)
  expect(stateless.heard[0]?.params?.notifications).toMatchObject({ resourceSubscriptions: [uri] })
  const all = ['resources/list_changed', 'resources/updated', 'tools/list_changed']
  let attempt = 0
  // Again and again, for the streams of a slow machine may not be open yet.
  await expect
    .poll(async () => {
      await session.callTool({ name: 'changing__ask', arguments: { method: 'roots/list' } })
      const file = { name: `${++attempt}.gz`, data: 'data:,text' }
      await session.callTool({ name: 'everything-stdio__gzip-file-as-resource', arguments: file })
      await session.callTool({ name: 'everything-stdio__toggle-subscriber-updates' })
      return [heard, stateless.heard].map((told) => [
        ...new Set(told.map(({ method }) => method?.replace('notifications/', ''))),
      ])
    })
    .toEqual([expect.arrayContaining(all), expect.arrayContaining(all)])
  const updates = [...heard, ...stateless.heard].filter(({ method }) => method?.endsWith('updated'))
  expect(new Set(updates.map(({ params }) => params?.uri))).toEqual(new Set([uri]))

  // It ends with a result once the agent may not listen any more, and so does the stream of the session.
  await client.agents.delete.mutate({ id: own.id })
  await stateless.ended
  expect(stateless.heard.at(-1)).toMatchObject({ result: { resultType: 'complete' } })
  await session.close()
})

// Only root can give sessions users of their own.
it.skipIf(process.getuid?.() !== 0)(
  'an isolated server runs for each of its users with what they gave, at the same time, and for nobody else',
  { timeout: 240_000 },
  async () => {
    const deployed = await installation.deploy('private', 'container-server', {
      userCredentials: [{ kind: 'env', name: 'TOKEN' }],
      env: { NEEDS: { value: 'TOKEN' } },
      limits: { memoryMb: 96 },
    })
    expect(await installation.ended(deployed.deploymentId, ENDED_MS)).toMatchObject({ state: 'live' })
    const { instance, ...server } = await installation.client.servers.get.query({ id: deployed.serverId })
    expect(server).toMatchObject({ state: 'running', revision: { sharing: 'isolated' } })

    const [alice, bob] = await Promise.all([
      connectUser(installation, deployed.serverId, 'sk-of-alice-4711'),
      connectUser(installation, deployed.serverId, 'sk-of-bob-0815'),
    ])
    const said = await Promise.all(
      [alice, bob].map(({ whoami }) => Promise.all([whoami(), whoami(), whoami()])),
    )
    expect(said.map((answers) => answers.map(({ token }) => token))).toEqual([
      Array(3).fill(alice.token),
      Array(3).fill(bob.token),
    ])
    const pids = said.map((answers) => new Set(answers.map(({ pid }) => pid)))
    expect(pids.map(({ size }) => size)).toEqual([1, 1])
    expect(new Set(pids.flatMap((own) => [...own])).size).toBe(2)

    await callTool(alice.mcp, 's__print', { line: `my token is ${alice.token}` })
    const log = async () => {
      const { lines } = await installation.client.servers.logs.query({ id: deployed.serverId })
      return lines.map(({ text }) => text).join('\n')
    }
    await expect.poll(log).toContain('my token is [redacted]')
    await alice.client.connections.disconnect.mutate({ id: alice.connectionId })
    const processes = async () =>
      (await leftoversOf(installation.agentHome, [instance?.id ?? ''])).filter((one) =>
        one.startsWith('process'),
      )
    await expect
      .poll(processes, { timeout: 60_000 })
      .toEqual([expect.stringMatching(`process ${[...(pids[1] ?? [])][0]} `)])
    expect((await bob.whoami()).token).toBe(bob.token)
    await expect(alice.whoami()).rejects.toThrow('Unknown tool')

    // Neither logs nor anything else that a process of ours wrote down.
    const home = join(installation.agentHome, '..')
    for (const secret of [alice.token, bob.token]) {
      expect(await log()).not.toContain(secret)
      const found = run('grep', ['-rlF', '--exclude-dir=node_modules', '--devices=skip', secret, home])
      await expect(found).rejects.toMatchObject({ code: 1, stdout: '' })
    }
    await Promise.all([alice.mcp.close(), bob.mcp.close()])
    expect(await installation.remove(deployed)).toEqual([])
  },
)
