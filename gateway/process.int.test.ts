import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { query } from '#testing/database.ts'
import { useTestEnvironment } from '#testing/env.ts'
import { freePort } from '#testing/everything-server.ts'
import { INITIALIZE, newToken } from '#testing/gateway.ts'
import { answerParams, mcpPeer } from '#testing/mcp-peer.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

const port = await freePort()
const { database } = await useTestEnvironment({ GATEWAY_PORT: String(port), LOG_LEVEL: 'debug' })
const sql = (text: string, values: unknown[] = []) => query(database.adminUrl, text, values)

let child: ChildProcess
let output = ''
let toolbox: ToolboxStandIn
const toolboxId = randomUUID()
const userId = randomUUID()
const serverId = randomUUID()
const instances = [randomUUID(), randomUUID()] as const

beforeAll(async () => {
  const { controlCertificates, ensureControlIdentities } = await import('#server/toolboxes/identities.ts')
  await ensureControlIdentities()
  toolbox = await startToolboxStandIn((await controlCertificates()).gateway)
  for (const id of instances) toolbox.instances.set(id, mcpPeer(answerParams).listener)
  const revisionId = randomUUID()
  await sql(`INSERT INTO users (id, email, password_hash) VALUES ($1, 'u@example.com', '-')`, [userId])
  await sql(
    `INSERT INTO toolboxes (id, name, kind, state, url, certificate) VALUES ($1, 'box', 'local', 'active', $2, $3)`,
    [toolboxId, toolbox.url, toolbox.certificate],
  )
  await sql(
    `INSERT INTO mcp_servers (id, name, toolbox_id, observed, server_info) VALUES ($1, 'every', $2, 'running', '{}')`,
    [serverId, toolboxId],
  )
  await sql(`INSERT INTO revisions (id, server_id, number, spec) VALUES ($1, $2, 1, '{}')`, [
    revisionId,
    serverId,
  ])
  for (const [index, id] of instances.entries()) {
    await sql(
      `INSERT INTO instances (id, server_id, revision_id, toolbox_id, attempt, fence) VALUES ($1, $2, $3, $4, $5, 1)`,
      [id, serverId, revisionId, toolboxId, index + 1],
    )
  }
  await sql('UPDATE mcp_servers SET live_instance_id = $1 WHERE id = $2', [instances[0], serverId])
  await sql(
    `INSERT INTO mcp_server_tools (server_id, name, position, definition, hash)
     VALUES ($1, 'tool', 0, '{"name": "tool", "inputSchema": {"type": "object"}, "x-own": 1}', sha256('x'))`,
    [serverId],
  )
  child = spawn(process.execPath, [fileURLToPath(new URL('./index.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  await vi.waitUntil(healthy, { timeout: 30_000, interval: 50 })
})

afterAll(async () => {
  child?.kill('SIGKILL')
  await toolbox?.stop()
  const { closeDatabase } = await import('#server/db/client.ts')
  await closeDatabase()
})

async function healthy(): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  )
}

async function agent(): Promise<{ id: string; token: string; session: Record<string, string> }> {
  const id = randomUUID()
  const token = newToken()
  const hash = createHash('sha256').update(token).digest()
  await sql(
    `INSERT INTO agents (id, user_id, name, token_hash, token_prefix) VALUES ($1, $2, 'a', $3, 'tba_')`,
    [id, userId, hash],
  )
  await sql(
    `INSERT INTO connections (agent_id, server_id, user_id, slug, pin_policy) VALUES ($1, $2, $3, $4, 'warn')`,
    [id, serverId, userId, 'every'],
  )
  const response = await post(token, INITIALIZE)
  return { id, token, session: { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' } }
}

function post(token: string, body: unknown, session: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/t/${token}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: '*/*', ...session },
    body: JSON.stringify(body),
  })
}

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'every__tool' } }

describe('the gateway process', () => {
  it('serves what the database says, and follows the live instance', async () => {
    const { id, token, session } = await agent()
    expect(await (await post(token, LIST, session)).json()).toMatchObject({
      jsonrpc: '2.0',
      id: 1,
      result: { tools: [{ name: 'every__tool', inputSchema: { type: 'object' }, 'x-own': 1 }] },
    })
    expect(await (await post(token, CALL, session)).json()).toMatchObject({ result: { content: [] } })
    expect(toolbox.seen.at(-1)?.instanceId).toBe(instances[0])
    await sql('UPDATE mcp_servers SET live_instance_id = $1 WHERE id = $2', [instances[1], serverId])
    await expect
      .poll(async () => {
        await (await post(token, CALL, session)).text()
        return toolbox.seen.at(-1)?.instanceId
      })
      .toBe(instances[1])
    const [row] = await sql('SELECT last_used_at FROM agents WHERE id = $1', [id])
    expect(row?.last_used_at).toBeInstanceOf(Date)
  })

  it.each([
    ['a deleted agent', 'UPDATE agents SET deleted_at = now() WHERE id = $1'],
    ['another token', `UPDATE agents SET token_hash = sha256('other') WHERE id = $1`],
    [
      'a disabled user',
      'UPDATE users SET disabled_at = now() WHERE id = (SELECT user_id FROM agents WHERE id = $1)',
    ],
  ])('refuses the token of %s within a second', async (_name, change) => {
    const { id, token, session } = await agent()
    expect((await post(token, LIST, session)).status).toBe(200)
    await sql(change, [id])
    const changed = performance.now()
    const late: number[] = []
    await expect
      .poll(async () => {
        const old = performance.now() - changed > 1000
        const { status } = await post(token, LIST, session)
        if (old) late.push(status)
        return late.at(-1)
      })
      .toBe(401)
    // A gateway that gets no answer from its database in time refuses in other words first.
    expect(late).not.toContain(200)
    await sql('UPDATE users SET disabled_at = NULL')
  })

  it('dials an enrolling toolbox back', async () => {
    const id = randomUUID()
    await sql(
      `INSERT INTO toolboxes (id, name, kind, state, url, certificate) VALUES ($1, 'new', 'local', 'enrolling', $2, $3)`,
      [id, toolbox.url, toolbox.certificate],
    )
    const verified = async () => {
      const [row] = await sql('SELECT gateway_verified_at FROM toolboxes WHERE id = $1', [id])
      return row?.gateway_verified_at
    }
    await expect.poll(verified).toBeInstanceOf(Date)
  })

  it('logs no token', async () => {
    const { token, session } = await agent()
    await post(token, LIST, session)
    await fetch(`http://127.0.0.1:${port}/t/${token}/mcp`, { method: 'PUT' })
    await fetch(`http://127.0.0.1:${port}/t/${token}/wrong`)
    await expect.poll(() => output).toContain('"status":405')
    expect(output).not.toContain('tba_')
  })

  it('says so in one line when its port is taken', async () => {
    const second = spawn(process.execPath, [fileURLToPath(new URL('./index.ts', import.meta.url))])
    let said = ''
    second.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    const code = await new Promise((resolve) => second.once('exit', resolve))
    expect(code).toBe(1)
    expect(said.trim().split('\n')).toHaveLength(1)
    expect(JSON.parse(said)).toMatchObject({ msg: `GATEWAY_PORT: port ${port} on 127.0.0.1 is in use` })
  })

  it('ends on SIGTERM, with its sessions at servers', async () => {
    const before = toolbox.seen.length
    const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))
    child.kill('SIGTERM')
    expect(await exited).toBe(0)
    expect(toolbox.seen.slice(before).every(({ method }) => method === 'DELETE')).toBe(true)
    expect(toolbox.seen.length).toBeGreaterThan(before)
  })
})
