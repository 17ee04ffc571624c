import { execFile } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { waitForDeployment } from '#client/index.ts'
import type { Enrollment } from '#contracts/toolboxes.ts'
import { findNpmCli } from '#dtma/drivers/process/npm-cli.ts'
import { freePort } from '#scripts/services/ports.ts'
import { present } from '#testing/present.ts'
import { noteProcess } from '#testing/run-folder.ts'
import { type Installation, startInstallation } from './installation.ts'
import { until } from './until.ts'

/** What a small Linux machine has, and no Node. */
const TOOLS =
  'sh curl tar gunzip gzip sha256sum mktemp uname mkdir chmod rm mv cp ln cat sed cut head tail tr grep sleep nohup basename dirname'

let installation: Installation
let machine: { folder: string; prefix: string; state: string; port: number; path: string }
let enrollment: Enrollment

beforeAll(async () => {
  installation = await startInstallation(['plain-server'], { env: { ALLOW_LOOPBACK_TOOLBOXES: '1' } })
  // The users of its servers have to pass through.
  const folder = mkdtempSync(join(tmpdir(), 'toolberth-machine-'))
  chmodSync(folder, 0o711)
  const path = join(folder, 'bin')
  mkdirSync(path)
  for (const tool of TOOLS.split(' ')) {
    const found = ['/bin', '/usr/bin'].map((place) => join(place, tool)).find(existsSync)
    if (!found) throw new Error(`This machine has no ${tool}.`)
    symlinkSync(found, join(path, tool))
  }
  machine = { folder, path, prefix: join(folder, 'opt'), state: join(folder, 'var'), port: await freePort() }
  mkdirSync(machine.prefix)
  writeFileSync(
    join(machine.prefix, 'local.env'),
    `DTMA_NPM_USERCONFIG='${installation.registry.npmrcPath}'\n`,
  )
}, 300_000)

afterAll(async () => {
  if (machine) {
    await install(['--uninstall'])
    rmSync(machine.folder, { recursive: true, force: true })
  }
  await installation?.stop()
}, 120_000)

/** Fetches the script as a person would, and runs it on the machine. */
async function install(args: string[], env: Record<string, string> = {}) {
  const script = join(machine.folder, 'install.sh')
  const answer = await fetch(`http://127.0.0.1:${installation.env.PORT}/api/dtma/install.sh`)
  writeFileSync(script, await answer.text())
  const { prefix, state, port, path } = machine
  const paths = [
    '--prefix',
    prefix,
    '--state',
    state,
    '--port',
    String(port),
    '--driver',
    'process',
    '--no-service',
  ]
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile(
      'sh',
      [script, ...paths, ...args],
      { env: { NODE_ENV: 'production', PATH: path, ...env }, timeout: 150_000 },
      (error, stdout, stderr) => {
        noteAgent()
        resolve({ code: error ? Number(error.code ?? -1) : 0, output: stdout + stderr })
      },
    )
  })
}

function noteAgent(): void {
  const file = join(machine.state, 'agent.pid')
  if (existsSync(file)) noteProcess(inject('runFolder'), Number(readFileSync(file, 'utf8')))
}

/** Processes of the machine's agent with what anybody, or root, can read of them. */
function processes(): { pid: string; command: string; environment: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const read = (what: string) => readFileSync(`/proc/${pid}/${what}`, 'latin1').replaceAll('\0', ' ')
        return [{ pid, command: read('cmdline'), environment: read('environ') }]
      } catch {
        return []
      }
    })
    .filter(({ command }) => command.includes(machine.folder))
}

const toolbox = () => installation.client.toolboxes.get.query({ id: enrollment.toolboxId })
const server = (id: string) => installation.client.servers.get.query({ id })

describe('another machine', { timeout: 180_000 }, () => {
  it('tells the page of its toolbox why it could not be set up (F14)', async () => {
    const created = await installation.client.toolboxes.create.mutate({ kind: 'host', name: 'machine' })
    enrollment = present(created.enrollment)
    const { code, output } = await install(['--token', enrollment.token])
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringContaining('neither a Docker engine nor npm'),
    })
    expect(await toolbox()).toMatchObject({
      state: 'enrolling',
      failure: { code: 'TOOLBOX_BOOTSTRAP_FAILED', detail: expect.stringContaining('npm') },
    })
  })

  it('becomes a toolbox by one command, with an agent and a Node that it gets from here', async () => {
    symlinkSync(present(findNpmCli()), join(machine.path, 'npm'))
    const { code, output } = await install([], { TOOLBERTH_TOKEN: enrollment.token })
    expect(code, output).toBe(0)
    expect(output).toContain('Fetching Node from Toolberth')
    expect(output).toContain('Enrolled.')
    await until('the toolbox is active', async () => (await toolbox()).state === 'active')
    expect(await toolbox()).toMatchObject({
      skew: 'same',
      upgradable: true,
      failure: null,
      bootstrap: null,
      driver: 'process',
    })
    const running = processes()
    expect(running.length).toBeGreaterThanOrEqual(2)
    for (const { command, environment } of running) {
      expect(command).not.toContain(enrollment.token)
      expect(environment).not.toContain(enrollment.token)
      // F16: nothing that opens the control plane's stores is on the machine.
      expect(environment).not.toMatch(/DATABASE_URL|REDIS_URL|MASTER_KEY/)
    }
    expect(processes().some(({ command }) => command.startsWith(join(machine.prefix, 'bin', 'node')))).toBe(
      true,
    )
  })

  it('runs a server that answers, beside the toolbox that was there', async () => {
    const [there, local] = await Promise.all([
      installation.deploy('on-machine', 'plain-server', { toolboxId: enrollment.toolboxId, drainSeconds: 1 }),
      installation.deploy('on-local', 'plain-server', { toolboxId: await localId() }),
    ])
    for (const { serverId, deploymentId } of [there, local])
      await waitForDeployment(installation.client, { serverId, deploymentId, timeoutMs: 120_000 })
    expect(await server(there.serverId)).toMatchObject({
      state: 'running',
      toolbox: { id: enrollment.toolboxId },
      tools: [{ name: expect.any(String) }],
    })
    expect((await server(local.serverId)).toolbox?.id).toBe(await localId())
  })

  it('is set up again by the same command without a token, and its server comes back', async () => {
    const before = readFileSync(join(machine.state, 'agent.pid'), 'utf8')
    const { id } = await serverNamed('on-machine')
    const startedAt = (await server(id)).instance?.startedAt
    const { code, output } = await install([])
    expect(code, output).toBe(0)
    expect(output).not.toContain('Fetching')
    expect(readFileSync(join(machine.state, 'agent.pid'), 'utf8')).not.toBe(before)
    await until('the server runs again', async () => {
      const { state, instance } = await server(id)
      return state === 'running' && instance?.startedAt && instance.startedAt !== startedAt
    })
    expect((await toolbox()).state).toBe('active')
  })

  it('is drained without loss: its server stays, is moved, and serves all the while', async () => {
    const { id } = await serverNamed('on-machine')
    await installation.client.toolboxes.drain.mutate({ id: enrollment.toolboxId })
    expect(await server(id)).toMatchObject({ state: 'running', toolbox: { id: enrollment.toolboxId } })
    const target = await localId()
    const { deploymentId } = await installation.client.servers.redeploy.mutate({ id, toolboxId: target })
    const states = new Set<string>()
    await until(
      'the server has moved',
      async () => {
        const { state, deployments } = await server(id)
        states.add(state)
        return deployments.find((deployment) => deployment.id === deploymentId)?.state === 'live'
      },
      120_000,
    )
    expect([...states]).toEqual(['running'])
    expect(await server(id)).toMatchObject({ state: 'running', toolbox: { id: target } })
  })

  it('is deleted once nothing is left on it, and its agent is told', async () => {
    await installation.client.toolboxes.delete.mutate({ id: enrollment.toolboxId, confirmName: 'machine' })
    await until('the toolbox is gone', async () => {
      const { items } = await installation.client.toolboxes.list.query()
      return items.every(({ name }) => name !== 'machine')
    })
    const log = join(machine.state, 'agent.log')
    await until('the agent knows', () => readFileSync(log, 'utf8').includes('the toolbox was deleted'))
    expect(readdirSync(join(machine.state, 'servers'))).toEqual([])
  })

  it('has nothing left after --uninstall', async () => {
    const { code, output } = await install(['--uninstall'])
    expect(code, output).toBe(0)
    expect(existsSync(machine.prefix) || existsSync(machine.state)).toBe(false)
    expect(processes()).toEqual([])
  })
})

async function localId(): Promise<string> {
  const { items } = await installation.client.toolboxes.list.query()
  return present(items.find(({ kind }) => kind === 'local')).id
}

async function serverNamed(name: string): Promise<{ id: string }> {
  const { items } = await installation.client.servers.list.query()
  return present(items.find((item) => item.name === name))
}
