import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { unpackBuild } from '#dtma/upgrade/unpack-build.ts'
import { createPinnedDispatcher } from '#protocol/pinned-dispatcher.ts'
import { type Archive, archiveOf, packForTest } from '#testing/agent-package.ts'
import { type ControlPlaneStandIn, startControlPlaneStandIn } from '#testing/control-plane-stand-in.ts'
import { noteProcess } from '#testing/run-folder.ts'
import { currentBuild, makeCurrent } from './versions.ts'

let plane: ControlPlaneStandIn
let prefix: string
let first: string
let second: Archive
let port: number
let launcher: ChildProcess
let output = ''

const manifest = '{"type":"module"}'

beforeAll(async () => {
  plane = await startControlPlaneStandIn()
  prefix = mkdtempSync(join(inject('runFolder'), 'homes', 'launcher-'))
  mkdirSync(join(prefix, 'versions'))
  const packed = await packForTest()
  first = packed.sha256
  await unpackBuild(prefix, first, readFileSync(join(packed.folder, 'agent.tgz')))
  const folder = join(prefix, 'versions', first)
  const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')])
  second = await archiveOf({ ...Object.fromEntries(files), 'NEWS.txt': 'The next build.' })
  makeCurrent(prefix, first)
  writeFileSync(join(prefix, 'token'), plane.token(), { mode: 0o600 })
  const socket = createServer().listen(0, '127.0.0.1')
  await once(socket, 'listening')
  port = (socket.address() as { port: number }).port
  socket.close()
  start()
  await plane.nextHeartbeat(() => true, 60_000)
}, 120_000)

afterAll(async () => {
  await stop()
  await plane.stop()
})

function start(env: Record<string, string> = {}): void {
  launcher = spawn(process.execPath, [join(prefix, 'current', 'launcher.mjs')], {
    env: {
      ...process.env,
      DTMA_HOME: join(prefix, 'home'),
      DTMA_PORT: String(port),
      CONTROL_PLANE_URL: plane.url,
      ENROLLMENT_TOKEN_FILE: join(prefix, 'token'),
      ALLOW_UNISOLATED: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (launcher.pid) noteProcess(inject('runFolder'), launcher.pid)
  for (const stream of [launcher.stdout, launcher.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
}

async function stop(): Promise<number | null> {
  if (launcher.exitCode !== null || launcher.signalCode !== null) return launcher.exitCode
  const exit = once(launcher, 'exit')
  launcher.kill('SIGTERM')
  return ((await exit) as [number | null])[0]
}

async function put(build: string, as = plane.worker) {
  const dispatcher = createPinnedDispatcher({
    serverCertificate: plane.agentCertificate() ?? '',
    clientIdentity: as,
  })
  try {
    const answer = await request(`https://127.0.0.1:${port}/v1/agent`, {
      method: 'PUT',
      dispatcher,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ version: '9.9.9', build }),
    })
    return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> }
  } finally {
    await dispatcher.destroy()
  }
}
const offer = (archive: Archive) => plane.downloads.set('/api/dtma/agent.tgz', archive.bytes)
const agentPid = () => Number(JSON.parse(readFileSync(join(prefix, 'home', 'agent.lock'), 'utf8')).pid)
const failedBeat = (build: string) =>
  plane.nextHeartbeat((beat) => beat.upgrade?.state === 'failed' && beat.upgrade.build === build, 60_000)

describe('an agent that its launcher started', () => {
  it('says which build it runs', () => {
    expect(plane.heartbeats.at(-1)).toMatchObject({ agentBuild: first, upgrade: null })
  })

  it('replaces itself by the build that it is told, which runs from then on', async () => {
    offer(second)
    const beat = plane.nextHeartbeat(({ agentBuild }) => agentBuild === second.sha256, 60_000)
    expect(await put(second.sha256)).toMatchObject({ status: 200, body: { build: first } })
    expect(await beat).toMatchObject({ upgrade: null })
    await expect.poll(() => currentBuild(prefix)).toBe(second.sha256)
    expect(existsSync(join(prefix, 'versions', first))).toBe(true)
    expect(await put(second.sha256)).toMatchObject({ status: 200, body: { upgrade: null } })
  })

  it('comes back when the new one does not come up, and says why', async () => {
    const broken = await archiveOf({
      'package.json': manifest,
      'dtma.mjs': 'process.stderr.write("This build needs a moon.\\n"); process.exit(3)',
    })
    offer(broken)
    const beat = failedBeat(broken.sha256)
    await put(broken.sha256)
    const { agentBuild, upgrade } = await beat
    expect(agentBuild).toBe(second.sha256)
    expect(upgrade?.detail).toContain('it ended with code 3. This build needs a moon.')
    expect(currentBuild(prefix)).toBe(second.sha256)
  })

  it.each([
    ['are other bytes', async () => ({ ...second, sha256: 'a'.repeat(64) }), 'has the SHA-256'],
    [
      'hold a path',
      async () => archiveOf({ 'package.json': manifest, '../evil.mjs': '' }),
      'The archive holds',
    ],
    [
      'hold a folder',
      async () => archiveOf({ 'package.json': manifest, 'folder/': '' }),
      'The archive holds',
    ],
  ])('stays what it is when the fetched bytes %s', async (_what, make, detail) => {
    const archive = await make()
    offer(archive)
    const pid = agentPid()
    const beat = failedBeat(archive.sha256)
    await put(archive.sha256)
    expect((await beat).upgrade?.detail).toContain(detail)
    expect(agentPid()).toBe(pid)
    expect(existsSync(join(prefix, 'evil.mjs'))).toBe(false)
    expect(existsSync(join(prefix, 'versions', archive.sha256))).toBe(false)
  })

  it('is told so by the worker alone, and by a checksum', async () => {
    expect(await put(first, plane.gateway)).toMatchObject({ status: 403 })
    expect(await put('nonsense')).toMatchObject({ status: 400 })
  })

  it('is started again when it dies', async () => {
    const beat = plane.nextHeartbeat(({ sequence }) => sequence === 0, 60_000)
    process.kill(agentPid(), 'SIGKILL')
    expect((await beat).agentBuild).toBe(second.sha256)
  })

  it('ends with its launcher, also when that is killed', async () => {
    const pid = agentPid()
    launcher.kill('SIGKILL')
    await expect.poll(() => isAlive(pid), { timeout: 30_000 }).toBe(false)
  })

  it('comes back when the new one only hangs', async () => {
    const beats = plane.nextHeartbeat(({ sequence }) => sequence === 0, 60_000)
    start({ DTMA_UPGRADE_TIMEOUT_SECONDS: '2' })
    await beats
    const hanging = await archiveOf({ 'package.json': manifest, 'dtma.mjs': 'setInterval(() => {}, 1000)' })
    offer(hanging)
    const beat = failedBeat(hanging.sha256)
    await put(hanging.sha256)
    const { agentBuild, upgrade } = await beat
    expect(agentBuild).toBe(second.sha256)
    expect(upgrade?.detail).toContain('was not accepted by the control plane within 2 s')
  })

  it('is stopped with its launcher', async () => {
    const pid = agentPid()
    expect(await stop(), output).toBe(0)
    await sleep(50)
    expect(isAlive(pid)).toBe(false)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
