import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { InstanceSpec } from '#contracts/instances.ts'
import type { Home } from '#dtma/home.ts'
import { engineUnavailable } from '#scripts/ensure-docker.ts'
import { specOf } from '#testing/agent-process.ts'
import {
  dockerDriver,
  keepingLog,
  noPhases,
  someOwner,
  temporaryHome,
} from '#testing/docker/driver-context.ts'
import { startTestEngine } from '#testing/docker/engine.ts'
import { STDIO_IMAGE } from '#testing/docker/images.ts'
import { callOverHttp, callOverStdio } from '#testing/docker/json-rpc-client.ts'
import { leftoversOf } from '#testing/faults/leftovers.ts'
import { FIXTURE_SCOPE, startFixtureRegistry } from '#testing/npm-registry.ts'
import type { Driver, DriverInstance, LogSink, Run } from './driver.ts'
import { createProcessDriver } from './process.ts'

type Context = {
  source: InstanceSpec['source']
  /** Nothing is there under this name. */
  missing: { source: InstanceSpec['source']; code: string }
  /** Another driver on the same home, as after the end of the agent. */
  again(): Promise<Driver>
  /** What comes of a session's attempts at its sibling; false where there is nothing to try. */
  atSibling: Record<string, string> | false
  /** All that is there on the machine. */
  leftovers(): Promise<string[]>
  stop(): Promise<void>
}
type Who = { pid: number; uid: number; cwd: string; env: Record<string, string> }

const LIMITS = { memoryMb: 160, cpus: 1, pids: 64 }
const asRoot = process.getuid?.() === 0
const server = fileURLToPath(new URL('../../testing/docker/server', import.meta.url))

async function processContext(home: Home): Promise<Context> {
  const registry = await startFixtureRegistry([server])
  const source = (name: string) => ({ type: 'npm' as const, package: `${FIXTURE_SCOPE}/${name}`, args: [] })
  return {
    source: source('container-server'),
    missing: { source: source('no-such-package'), code: 'PACKAGE_NOT_FOUND' },
    again: () => createProcessDriver({ home, allowUnisolated: false, npmUserConfig: registry.npmrcPath }),
    atSibling: { kill: 'EPERM', environ: 'EACCES', folder: 'EACCES' },
    leftovers: () => leftoversOf(home.root),
    stop: () => registry.stop(),
  }
}

async function dockerContext(home: Home): Promise<Context> {
  const engine = await startTestEngine()
  const whose = someOwner()
  const image = 'toolberth-test/no-such-image:1'
  return {
    source: { type: 'image', image: STDIO_IMAGE, args: [] },
    missing: { source: { type: 'image', image, args: [] }, code: 'IMAGE_PULL_FAILED' },
    again: async () => dockerDriver(engine, home, { whose }),
    atSibling: false,
    leftovers: () => engine.ours(),
    stop: () => engine.stop(),
  }
}

describe.each([
  { name: 'process', open: processContext, reason: asRoot ? null : 'needs root to be the same everywhere' },
  { name: 'docker', open: dockerContext, reason: engineUnavailable() },
])('the $name driver', ({ open, reason }) => {
  describe.skipIf(reason !== null)('as every driver', () => {
    let context: Context
    let driver: Driver
    let temporary: Awaited<ReturnType<typeof temporaryHome>>

    beforeAll(async () => {
      temporary = await temporaryHome()
      context = await open(temporary.home)
      driver = await context.again()
      await driver.recover(new Set())
    }, 180_000)
    afterAll(async () => {
      driver?.close()
      await context?.stop()
      await temporary?.remove()
    }, 120_000)

    const instanceOf = (change: Partial<InstanceSpec> = {}): DriverInstance => ({
      id: randomUUID(),
      spec: specOf({ source: context.source, limits: LIMITS, ...change }),
    })
    const prepare = (instance: DriverInstance) => driver.prepare(instance, noPhases(keepingLog()))
    async function start(instance: DriverInstance, log: LogSink = keepingLog()): Promise<Run> {
      await driver.prepare(instance, noPhases(log))
      return driver.start(instance, { log })
    }
    const remove = (instance: DriverInstance) => driver.remove(instance.id, { deleteDataOf: null })

    it('prepares, says what it does and which version came of it, and does it once', async () => {
      const instance = instanceOf()
      const phases: string[] = []
      const log = keepingLog()
      const made = await driver.prepare(instance, { ...noPhases(log), onPhase: (text) => phases.push(text) })
      expect(phases).not.toEqual([])
      expect(made.resolvedVersion).toMatch(/^(\d+\.\d+\.\d+|sha256:[0-9a-f]{64})$/)
      const before = phases.length
      const again = await driver.prepare(instance, { ...noPhases(log), onPhase: (text) => phases.push(text) })
      expect(again.resolvedVersion).toBe(made.resolvedVersion)
      expect(phases).toHaveLength(before)
      await remove(instance)
      expect(await context.leftovers()).toEqual([])
    })

    it('says what cannot be had, and stops when it is told to', async () => {
      const { source, code } = context.missing
      const missing = instanceOf({ source })
      await expect(prepare(missing)).rejects.toMatchObject({ code })
      const remote = instanceOf({ source: { type: 'remote', url: 'https://a.example', headers: {} } })
      await expect(prepare(remote)).rejects.toMatchObject({ code: 'SOURCE_UNSUPPORTED' })
      const stopped = instanceOf()
      const signal = AbortSignal.abort(new Error('no longer wanted'))
      await expect(driver.prepare(stopped, { ...noPhases(keepingLog()), signal })).rejects.toThrow(
        'no longer wanted',
      )
      for (const instance of [missing, remote, stopped]) await remove(instance)
      expect(await context.leftovers()).toEqual([])
    })

    it('runs a stdio server, alone and as nobody of importance, and ends it', async () => {
      const instance = instanceOf({ env: { GREETING: 'hello' } })
      const log = keepingLog()
      const run = await start(instance, log)
      expect(run.listensOn).toBeNull()
      const call = callOverStdio(run)
      expect(await call('echo', { message: 'ä€😀' })).toBe('Echo: ä€😀')
      expect(await call('echo', { message: 'x'.repeat(1_000_000) })).toHaveLength(1_000_006)
      const who = await call<{ uid: number; env: Record<string, string>; status: string }>('whoami')
      expect(who.uid).toBeGreaterThan(0)
      expect(who.env.GREETING).toBe('hello')
      expect(who.status).toMatch(/^NoNewPrivs:\t1$/m)
      await call('print', { line: 'to the log' })
      await expect.poll(() => log.lines).toContain('stderr: to the log')
      await expect.poll(() => run.usage()?.memoryBytes ?? 0).toBeGreaterThan(1024 * 1024)
      expect(run.usage()?.tasks).toBeGreaterThan(0)
      expect(run.cpuSeconds()).toBeGreaterThan(0)
      await Promise.all([run.stop(), run.stop()])
      expect(await run.exited).toMatchObject({ error: null })
      await remove(instance)
      expect(await context.leftovers()).toEqual([])
    })

    it.each([
      ['by a variable', { env: 'PORT' }],
      ['by an argument', { arg: '--port' }],
    ])('tells a server its port %s and finds it there', async (_how, port) => {
      const instance = instanceOf({ transport: 'streamable-http', http: { path: '/mcp', port } })
      const run = await start(instance)
      await expect.poll(() => run.listening()).toBe(true)
      expect(run.stdio).toBeNull()
      expect(await callOverHttp(run)('echo', { message: 'port' })).toBe('Echo: port')
      await run.stop()
      expect(await run.listening()).toBe(false)
      await remove(instance)
    })

    it('does not take a server that listens nowhere for one that does', async () => {
      const http = { path: '/mcp', port: { env: 'PORT_OF_ANOTHER' } }
      const instance = instanceOf({ transport: 'streamable-http', http })
      const run = await start(instance)
      expect(run.listensOn?.port).toBeGreaterThan(0)
      expect(await run.listening()).toBe(false)
      await run.stop()
      await remove(instance)
    })

    it('reports the exit code of a server that ends, and its last words', async () => {
      const instance = instanceOf({ env: { EXIT_CODE: '7' } })
      const log = keepingLog()
      const run = await start(instance, log)
      expect(await run.exited).toEqual({ exitCode: 7, signal: null, error: null })
      expect(log.lines).toContain('stderr: container-server is up')
      await run.stop()
      // The same instance may be started again.
      const second = await driver.start(instance, { log })
      expect(await second.exited).toMatchObject({ exitCode: 7 })
      await second.stop()
      await remove(instance)
    })

    it('enforces the memory limit and says that it did', async () => {
      const instance = instanceOf()
      const run = await start(instance)
      void callOverStdio(run)('allocate', { megabytes: 2_000 }).catch(() => undefined)
      expect(await run.exited).toMatchObject({ error: { code: 'SERVER_OUT_OF_MEMORY' } })
      await run.stop()
      await remove(instance)
    })

    it('enforces the limit of processes', async () => {
      const instance = instanceOf({ limits: { ...LIMITS, memoryMb: 1024, pids: 32 } })
      const run = await start(instance)
      const made = callOverStdio(run)<number>('fork', { count: 60 }).catch(() => 0)
      // Either the kernel refuses more, or the driver ends the server.
      const ended = run.exited.then(({ error }) => error?.code === 'SERVER_TOO_MANY_PROCESSES')
      const held = await Promise.race([ended, made.then((count) => (count > 0 && count < 32) || ended)])
      expect(held).toBe(true)
      await run.stop()
      await remove(instance)
    })

    it('halts what runs and keeps what was prepared', async () => {
      const instance = instanceOf()
      const run = await start(instance)
      await driver.halt(instance.id)
      await run.exited
      await run.stop()
      await driver.halt(instance.id)
      await driver.halt(randomUUID())
      const again = await driver.start(instance, { log: keepingLog() })
      expect(await callOverStdio(again)('echo', { message: 'again' })).toBe('Echo: again')
      await again.stop()
      await remove(instance)
    })

    it('removes everything, also of what runs, and again', async () => {
      const instance = instanceOf()
      const run = await start(instance)
      await remove(instance)
      await run.exited
      await run.stop()
      await remove(instance)
      await driver.remove(randomUUID(), { deleteDataOf: randomUUID() })
      expect(await context.leftovers()).toEqual([])
    })

    it('keeps declared data for the next instance of its server, and deletes it with the server', async () => {
      const serverId = randomUUID()
      const env = { DATA_FILE: '/data/notes' }
      const declared = { serverId, env, data: [{ mountPath: '/data' }] }
      const [first, second] = [instanceOf(declared), instanceOf(declared)]
      const run = await start(first)
      const write = callOverStdio(run)
      const { DATA_FILE: path } = (await write<{ env: typeof env }>('whoami')).env
      expect(await write('write_files', { paths: [path], content: 'kept' })).toMatchObject({
        [path]: { ok: true },
      })
      await run.stop()
      const next = await start(second)
      const read = callOverStdio(next)
      const kept = () => read('read_files', { paths: [path] })
      expect(await kept()).toEqual({ [path]: { ok: true, value: 'kept' } })
      // What is left of the first does not touch the second, whose user and data it shared.
      await driver.remove(first.id, { deleteDataOf: serverId })
      expect(await kept()).toEqual({ [path]: { ok: true, value: 'kept' } })
      await next.stop()
      await driver.remove(second.id, { deleteDataOf: serverId })
      expect(await context.leftovers()).toEqual([])
    })

    it('runs sessions of an isolated server beside each other, each with its own variables', async () => {
      const instance = instanceOf({ sharing: 'isolated', env: { SHARED: 'by all' } })
      await prepare(instance)
      const open = async (id: string) => {
        const log = keepingLog()
        const run = await driver.start(instance, { log, session: { id, env: { TOKEN: `of-${id}` } } })
        const call = callOverStdio(run)
        return { run, call, who: await call<Who>('whoami') }
      }
      const [a, b] = await Promise.all([open('aaaa'), open('bbbb')])
      expect(a.who.env).toMatchObject({ SHARED: 'by all', TOKEN: 'of-aaaa' })
      expect(b.who.env).toMatchObject({ SHARED: 'by all', TOKEN: 'of-bbbb' })
      const secret = `/proc/${b.who.pid}/environ`
      const codeOf = async (tool: string, args: Record<string, unknown>) =>
        Object.values(await a.call<Record<string, { code?: string }>>(tool, args))[0]?.code
      // A container does not even see its sibling's processes; by that number it has one of its own.
      const attempts = a.who.uid !== b.who.uid && {
        kill: await codeOf('kill', { pids: [b.who.pid] }),
        environ: await codeOf('read_files', { paths: [secret] }),
        folder: await codeOf('list_folders', { paths: [b.who.cwd] }),
      }
      expect(attempts).toEqual(context.atSibling)
      expect(JSON.stringify(await a.call('read_files', { paths: [secret] }))).not.toContain('of-bbbb')
      await a.call('fork', { count: 2 })
      await a.run.stop()
      expect(await b.call('echo', { message: 'still here' })).toBe('Echo: still here')
      const left = (await context.leftovers()).join()
      expect(left).not.toContain('aaaa')
      expect(left).toContain('bbbb')
      await driver.halt(instance.id)
      await b.run.exited
      await b.run.stop()
      await remove(instance)
      expect(await context.leftovers()).toEqual([])
    })

    it('ends sessions that the agent left behind', async () => {
      const instance = instanceOf({ sharing: 'isolated' })
      await prepare(instance)
      const run = await driver.start(instance, {
        log: keepingLog(),
        session: { id: 'cccc', env: { TOKEN: 'left' } },
      })
      const next = await context.again()
      await next.recover(new Set([instance.id]))
      await run.exited
      expect((await context.leftovers()).join()).not.toContain('cccc')
      await next.remove(instance.id, { deleteDataOf: null })
      next.close()
      await run.stop()
      expect(await context.leftovers()).toEqual([])
    })

    it('finds its own again after the end of the agent, and deletes what nobody knows', async () => {
      const [known, forgotten] = [instanceOf(), instanceOf()]
      for (const instance of [known, forgotten]) await start(instance)
      const next = await context.again()
      await next.recover(new Set([known.id]))
      const left = await context.leftovers()
      expect(left.some((name) => name.includes(forgotten.id))).toBe(false)
      const phases: string[] = []
      await next.prepare(known, { ...noPhases(keepingLog()), onPhase: (text) => phases.push(text) })
      expect(phases).toEqual([])
      const run = await next.start(known, { log: keepingLog() })
      expect(await callOverStdio(run)('echo', { message: 'found' })).toBe('Echo: found')
      await run.stop()
      await next.remove(known.id, { deleteDataOf: null })
      next.close()
      expect(await context.leftovers()).toEqual([])
    })
  })
})
