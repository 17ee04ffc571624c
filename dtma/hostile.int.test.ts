import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { LogLines } from '#contracts/dtma.ts'
import { readProcessTable } from '#dtma/drivers/process/process-table.ts'
import {
  type AgentProcess,
  callTool,
  createAgentProcess,
  folderNames,
  processesOfUser,
  specOf,
} from '#testing/agent-process.ts'
import { type ControlPlaneStandIn, startControlPlaneStandIn } from '#testing/control-plane-stand-in.ts'
import { type FixtureRegistry, startFixtureRegistry } from '#testing/npm-registry.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'

const HOSTILE = { type: 'npm' as const, package: '@toolberth-fixtures/hostile-server', args: [] }
const EVERYTHING = { type: 'npm' as const, package: '@modelcontextprotocol/server-everything', args: [] }
const SECRET = 'a-secret-of-the-neighbour'

let registry: FixtureRegistry
let controlPlane: ControlPlaneStandIn
let agent: AgentProcess
let redis: TestRedis
/** Stands for an installation's home: closed to everybody else, as every home is. */
let installation: string

const hostile = crypto.randomUUID()
const neighbour = crypto.randomUUID()
const server = (id: string, ...path: string[]) => join(agent.home, 'servers', id, ...path)
const uidOf = async (id: string) => (await stat(server(id))).gid

/** Every attempt failed, and with one of these codes. */
function expectRefused(results: Record<string, { ok: boolean; code?: string }>, codes: string[]): void {
  for (const [target, result] of Object.entries(results)) {
    expect(result, target).toMatchObject({ ok: false })
    expect(codes, target).toContain(result.code)
  }
}

// Only root can give servers users of their own; without root servers run in bubblewrap or not at all.
describe.skipIf(process.getuid?.() !== 0)('a hostile server', () => {
  let client: Client
  const limits = { memoryMb: 256, cpus: 1, pids: 128 }

  beforeAll(async () => {
    registry = await startFixtureRegistry([
      fileURLToPath(new URL('../testing/fixtures/hostile-server', import.meta.url)),
    ])
    redis = await createTestRedis()
    installation = await mkdtemp(join(tmpdir(), 'toolberth-home-'))
    await mkdir(join(installation, 'keys'))
    await writeFile(join(installation, 'admin-api-key'), 'tb_key')
    await writeFile(join(installation, 'keys', 'master.key'), 'key')
    controlPlane = await startControlPlaneStandIn()
    agent = await createAgentProcess(controlPlane, { DTMA_NPM_USERCONFIG: registry.npmrcPath })
    await agent.start()
    const spec = specOf({ source: EVERYTHING, env: { SECRET }, secretNames: ['SECRET'] })
    await agent.put(neighbour, { desired: 'running', fence: 1, spec })
    const env = { OWN_SECRET: 'printed-by-its-owner' }
    await agent.put(hostile, {
      desired: 'running',
      fence: 1,
      spec: specOf({ source: HOSTILE, limits, env, secretNames: ['OWN_SECRET'] }),
    })
    await agent.until(neighbour, ['running'])
    await agent.until(hostile, ['running'])
    client = await agent.connect(hostile)
  }, 180_000)

  afterAll(async () => {
    await agent?.dispose()
    await controlPlane?.stop()
    await registry?.stop()
    await redis?.stop()
    if (installation !== undefined) await rm(installation, { recursive: true, force: true })
  })

  it('is a user of its own without groups, in its own folder, with a clean environment', async () => {
    const me = await callTool<{ uid: number; env: Record<string, string> }>(client, 'whoami', {})
    const uid = await uidOf(hostile)
    expect(me).toMatchObject({ uid, gid: uid, groups: [uid], cwd: server(hostile, 'data') })
    expect(uid).not.toBe(await uidOf(neighbour))
    expect(me.env).not.toHaveProperty('ENROLLMENT_TOKEN_FILE')
    expect(me.env).not.toHaveProperty('CONTROL_PLANE_URL')
  })

  it("reads nothing of the installation's, the agent's and the neighbour's", async () => {
    const [log] = await readdir(join(agent.home, 'logs', neighbour))
    const files = [
      join(installation, 'admin-api-key'),
      join(installation, 'keys', 'master.key'),
      join(agent.home, '..', 'token'),
      join(agent.home, 'state', 'state.key'),
      join(agent.home, 'state', 'identity.json'),
      join(agent.home, 'state', 'instances', `${neighbour}.json`),
      join(agent.home, 'logs', neighbour, log ?? ''),
      server(neighbour, 'installed.json'),
      server(neighbour, 'package', 'package.json'),
      registry.npmrcPath,
      '/etc/shadow',
      `/proc/${agent.pid()}/environ`,
      `/proc/${agent.pid()}/mem`,
    ]
    expectRefused(await callTool(client, 'read_files', { paths: files }), ['EACCES', 'EPERM'])
    const folders = [
      installation,
      agent.home,
      join(agent.home, 'npm'),
      join(agent.home, 'servers'),
      server(neighbour),
      server(neighbour, 'data'),
      `/proc/${agent.pid()}/fd`,
    ]
    expectRefused(await callTool(client, 'list_folders', { paths: folders }), ['EACCES', 'EPERM'])
  })

  it('changes nothing that it runs on', async () => {
    const files = [
      server(hostile, 'package', 'package.json'),
      server(hostile, 'package', 'node_modules', HOSTILE.package, 'server.js'),
      server(hostile, 'installed.json'),
      server(neighbour, 'data', 'note'),
      join(agent.home, 'runtime', 'bin', 'node'),
      join(agent.home, 'state', 'note'),
    ]
    expectRefused(await callTool(client, 'write_files', { paths: files }), ['EACCES', 'EPERM', 'ETXTBSY'])
    const own = server(hostile, 'data', 'note')
    expect(await callTool(client, 'write_files', { paths: [own] })).toMatchObject({ [own]: { ok: true } })
  })

  it("sees no neighbour's environment and signals nobody", async () => {
    const others = [...(await processesOfUser(await uidOf(neighbour))), agent.pid(), process.pid, 1]
    expect(others.length).toBeGreaterThan(3)
    expectRefused(await callTool(client, 'read_environments', { pids: others }), ['EACCES', 'EPERM'])
    expectRefused(await callTool(client, 'signal', { pids: others }), ['EPERM'])
  })

  it('gets nothing from Redis and Postgres', async () => {
    const info = Buffer.from('INFO\r\nKEYS *\r\n').toString('base64')
    const fromRedis = await callTool<{ received: string }>(client, 'talk_to_port', {
      port: redis.port,
      payload: info,
    })
    expect(fromRedis.received).toMatch(/^-NOAUTH [^\r]*\r\n-NOAUTH [^\r]*\r\n$/)

    const postgres = new URL(inject('postgres').adminUrl)
    const parameters = Buffer.from(`user\0${postgres.username}\0database\0postgres\0\0`)
    const head = Buffer.alloc(8)
    head.writeInt32BE(parameters.length + 8, 0)
    head.writeInt32BE(196_608, 4)
    const payload = Buffer.concat([head, parameters]).toString('base64')
    const { received } = await callTool<{ received: string }>(client, 'talk_to_port', {
      port: Number(postgres.port),
      payload,
    })
    // "R" with another method than 0 (AuthenticationOk): the server wants a password.
    expect(received[0]).toBe('R')
    expect(Buffer.from(received, 'latin1').readInt32BE(5)).toBe(10)
  })

  it('prints its secrets in vain', async () => {
    await callTool(client, 'print', { text: 'my secret is printed-by-its-owner!' })
    await expect
      .poll(async () => {
        const { body } = await agent.call('GET', `/v1/instances/${hostile}/logs?tail=5`)
        return LogLines.parse(body).lines.map((line) => line.text)
      })
      .toContain('my secret is [redacted]!')
  })

  it('is ended when it takes too much memory', async () => {
    const call = callTool(client, 'allocate', { megabytes: 1024 })
    await expect(call).rejects.toThrow(/MCP server/)
    const down = await agent.until(hostile, ['backoff'])
    expect(down.error?.code).toBe('SERVER_OUT_OF_MEMORY')
    await agent.until(hostile, ['running'])
    expect((await agent.status(neighbour)).state).toBe('running')
  })

  it('is ended when it has too many processes', async () => {
    client = await agent.connect(hostile)
    await callTool(client, 'fork', { count: 40 }).catch(() => {})
    const down = await agent.until(hostile, ['backoff'])
    expect(down.error?.code).toBe('SERVER_TOO_MANY_PROCESSES')
    await agent.until(hostile, ['running'])
  })

  it('is gone after a stop, with children that left its session and heed no signal', async () => {
    const uid = await uidOf(hostile)
    client = await agent.connect(hostile)
    await callTool(client, 'fork', { count: 6 })
    const forked = await processesOfUser(uid)
    expect(forked.length).toBeGreaterThanOrEqual(7)
    await agent.put(hostile, { desired: 'stopped', fence: 2 })
    await agent.until(hostile, ['stopped'], 10_000)
    expect(await processesOfUser(uid)).toEqual([])
    const zombies = readProcessTable().filter((entry) => entry.zombie && entry.parent === agent.pid())
    expect(zombies).toEqual([])
  })

  it('leaves nothing when it is removed', async () => {
    const uid = await uidOf(hostile)
    await agent.put(hostile, { desired: 'running', fence: 3 })
    await agent.until(hostile, ['running'])
    client = await agent.connect(hostile)
    const litter = join(tmpdir(), `toolberth-litter-${hostile}`)
    expect(await callTool(client, 'write_files', { paths: [litter] })).toMatchObject({
      [litter]: { ok: true },
    })
    await callTool(client, 'fork', { count: 4 })
    await agent.put(hostile, { desired: 'absent', fence: 4 })
    await agent.until(hostile, ['absent'], 15_000)
    expect(await processesOfUser(uid)).toEqual([])
    expect(await folderNames(join(agent.home, 'servers'))).toEqual([neighbour])
    await expect(stat(litter)).rejects.toThrow('ENOENT')
    expect((await agent.status(neighbour)).state).toBe('running')
  })
})
