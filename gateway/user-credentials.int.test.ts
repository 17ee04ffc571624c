import type { RequestListener } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decodeUserHeaders, USER_HEADERS } from '#mcp/user-headers.ts'
import { query } from '#testing/database.ts'
import { startTestGateway, type TestGateway } from '#testing/gateway.ts'
import { answerJson } from '#testing/mcp-peer.ts'
import { startRpcPeer } from '#testing/probe-peers.ts'
import { refusalOf } from '#testing/refusal.ts'
import {
  ECHO,
  seedAgent,
  seedToolbox,
  seedUser,
  type TestUser,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { passOn, startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

const { database, redis } = await useSeededInstallation()
const { appRouter } = await import('#server/trpc/router.ts')
const { loadGatewayRights, readRightsVersion } = await import('#server/agents/gateway-rights.ts')
const { openCredentials } = await import('#server/connections/open-credentials.ts')
const { claimDueChecks } = await import('#server/connections/checks/claim-due.ts')
const { runCheck } = await import('#server/connections/checks/run.ts')
const { runTestAttempt } = await import('#server/connections/run-test.ts')
const { startConnectionTest } = await import('#server/connections/start-test.ts')
const { advanceDeployment } = await import('#server/deployments/advance.ts')
const { loadControlIdentity } = await import('#server/toolboxes/identities.ts')
const { logCalls } = await import('#server/calls/log.ts')

const admin = await seedUser({ role: 'ADMIN' })
const [alice, bob] = await Promise.all([seedUser(), seedUser()])
const { servers } = appRouter.createCaller(admin.ctx)
const KEY = { kind: 'header', name: 'X-Key', description: 'From your profile.' } as const
const REGION = { kind: 'header', name: 'X-Region' } as const
const SECRET = 'sk-4711'

const peer = await startRpcPeer(({ id, method }) => {
  const serverInfo = { name: 'asking', version: '1' }
  const results: Record<string, object> = {
    initialize: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo },
    'tools/list': { tools: [ECHO] },
    'tools/call': { content: [] },
  }
  return results[method]
    ? { body: { jsonrpc: '2.0', id, result: results[method] } }
    : { status: 202, body: '' }
})
let gateway: TestGateway
let toolbox: ToolboxStandIn
let toolboxId: string
beforeAll(async () => {
  // The stand-in lets one identity in, so gateway and prober share it.
  const identity = await loadControlIdentity('worker')
  toolbox = await startToolboxStandIn(identity.certificate)
  toolboxId = (await seedToolbox(toolbox)).id
  // Every instance that it is told of runs at once.
  toolbox.put = (request, response) =>
    void json(request).then((put) => {
      const { desired, fence } = put as { desired: string; fence: number }
      const id = /instances\/([^/?]+)/.exec(request.url ?? '')?.[1] ?? ''
      toolbox.instances.set(id, asking)
      const nothing = {
        phase: null,
        exitCode: null,
        signal: null,
        resolvedVersion: null,
        error: null,
        memoryBytes: null,
      }
      const state = desired === 'absent' ? 'absent' : 'running'
      answerJson(response, {
        id,
        fence,
        desired,
        state,
        restarts: 0,
        startedAt: new Date().toISOString(),
        ...nothing,
      })
    })
  gateway = await startTestGateway(redis.url, {
    identity,
    rights: { load: loadGatewayRights, readVersion: readRightsVersion },
    openCredentials: ({ id, credentials }) =>
      openCredentials(
        id,
        credentials.map((one) => ({ ...one, ciphertext: Buffer.from(one.ciphertext, 'base64') })),
      ),
    logCalls,
  })
})
afterAll(async () => {
  await gateway.close(0)
  await Promise.all([toolbox.stop(), peer.stop()])
})

/** Answers nobody who does not say who they are. */
const asking: RequestListener = (request, response) => {
  if (decodeUserHeaders(request.headers[USER_HEADERS])['x-key'] !== undefined)
    return passOn(peer.url, request, response)
  response.writeHead(401).end()
}

async function live(deploymentId: string): Promise<void> {
  await expect.poll(() => advanceDeployment({ deploymentId })).toBe('done')
  const { state, failure } = await servers
    .deployments({ id: serverId })
    .then(([newest]) => newest ?? { state: null, failure: null })
  expect({ state, failure }).toEqual({ state: 'live', failure: null })
}

let serverId: string
async function connect(user: TestUser, credentials?: Record<string, string>) {
  const agent = await seedAgent(user)
  const input = { agentId: agent.id, serverId }
  const { id: testId } = await startConnectionTest({ ctx: user.ctx, input: { ...input, credentials } })
  await runTestAttempt({ testId })
  const caller = appRouter.createCaller(user.ctx)
  const { id } = await caller.connections.create({ ...input, testId, slug: 's' })
  return { agent, id, caller, session: await gateway.session(agent.token) }
}
type Connected = Awaited<ReturnType<typeof connect>>

async function call({ agent, session }: Connected) {
  const request = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 's__echo' } }
  const answer = await gateway.post(agent.token, request, { 'mcp-session-id': session })
  return (await answer.json()) as { error?: { message: string; data: { code: string } } }
}
/** What the toolbox got since it was last asked, of users' headers. */
const carried = () => toolbox.seen.splice(0).map(({ headers }) => decodeUserHeaders(headers[USER_HEADERS]))
async function check(): Promise<void> {
  for (const due of await claimDueChecks(10)) await runCheck(due)
}
const events = (id: string) =>
  query<{ type: string; data: { failure?: { code: string; detail: string } } }>(
    database.adminUrl,
    `SELECT type, data FROM events WHERE subject_id = $1 ORDER BY id`,
    [id],
  )

it('what a server asks of its users is asked for, reaches it with their own calls alone, and is missed when it is new', async () => {
  const deployed = await servers.deploy({
    name: 'asking',
    toolboxId,
    source: { type: 'npm', package: 'some-server' },
    transport: 'streamable-http',
    userCredentials: [KEY],
  })
  serverId = deployed.serverId
  // It refuses a probe that is nobody's, which proves that it is there; what it offers is not known yet.
  await live(deployed.deploymentId)
  expect(await servers.get({ id: serverId })).toMatchObject({ state: 'running', tools: [] })

  expect(await refusalOf(connect(alice))).toMatchObject({
    code: 'CREDENTIALS_MISSING',
    fields: { 'credentials.X-Key': [expect.any(String)] },
  })
  toolbox.seen.length = 0
  const ofAlice = await connect(alice, { 'X-Key': `${SECRET}-alice` })
  expect((await servers.get({ id: serverId })).tools).toMatchObject([{ name: ECHO.name }])
  expect(new Set(carried().map((headers) => headers['x-key']))).toEqual(new Set([`${SECRET}-alice`]))
  const ofBob = await connect(bob, { 'X-Key': `${SECRET}-bob` })
  carried()
  for (const [connected, value] of [
    [ofAlice, `${SECRET}-alice`],
    [ofBob, `${SECRET}-bob`],
    [ofAlice, `${SECRET}-alice`],
  ] as const) {
    expect(await call(connected)).toHaveProperty('result')
    expect(new Set(carried().map((headers) => headers['x-key']))).toEqual(new Set([value]))
  }

  // From now on it asks for more.
  const updated = await servers.update({ id: serverId, userCredentials: [KEY, REGION] })
  await live(updated.deployment?.deploymentId ?? '')
  carried()
  await expect.poll(async () => (await call(ofAlice)).error?.data.code).toBe('CREDENTIALS_MISSING')
  carried()
  const refused = await call(ofAlice)
  const page = `http://localhost:3000/agents/${ofAlice.agent.id}/connections/${ofAlice.id}`
  expect(refused.error?.message).toContain(`Give X-Region at ${page}`)
  expect(carried()).toEqual([])
  await check()
  expect(carried()).toEqual([])
  const failing = await ofAlice.caller.connections.get({ id: ofAlice.id })
  expect(failing).toMatchObject({
    state: 'failing',
    failure: { code: 'CREDENTIALS_MISSING', detail: 'Missing: X-Region.' },
  })
  expect(failing.credentials).toMatchObject([
    { name: 'X-Key', set: true },
    { name: 'X-Region', set: false },
  ])
  expect(await events(ofAlice.id)).toContainEqual(
    expect.objectContaining({
      type: 'connection.failing',
      data: expect.objectContaining({
        failure: { code: 'CREDENTIALS_MISSING', detail: 'Missing: X-Region.' },
      }),
    }),
  )

  // What is given is used at once, and checked at once.
  await ofAlice.caller.connections.update({ id: ofAlice.id, credentials: { 'X-Region': `${SECRET}-eu` } })
  await expect.poll(() => call(ofAlice)).toHaveProperty('result')
  expect(carried()).toContainEqual({ 'x-key': `${SECRET}-alice`, 'x-region': `${SECRET}-eu` })
  await check()
  expect(await ofAlice.caller.connections.get({ id: ofAlice.id })).toMatchObject({
    state: 'connected',
    failure: null,
  })
  expect((await call(ofBob)).error?.data.code).toBe('CREDENTIALS_MISSING')

  // Nobody is told what was given.
  const [kept] = await query<Record<string, string>>(
    database.adminUrl,
    `SELECT string_agg(to_jsonb(e)::text, '') AS events, (SELECT string_agg(to_jsonb(a)::text, '') FROM audit_entries a) AS audit,
      (SELECT string_agg(to_jsonb(o)::text, '') FROM outbox o) AS jobs, (SELECT string_agg(to_jsonb(t)::text, '') FROM connection_tests t) AS tests,
      (SELECT string_agg(to_jsonb(k)::text, '') FROM connection_checks k) AS checks, (SELECT string_agg(to_jsonb(c)::text, '') FROM calls c) AS calls
     FROM events e`,
  )
  const said = JSON.stringify([kept, gateway.logged, refused, failing, await servers.get({ id: serverId })])
  expect(said).toContain('CREDENTIALS_MISSING')
  expect(said).not.toContain(SECRET)
})
