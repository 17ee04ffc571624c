import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Driver, DriverInstance, Run } from '#dtma/drivers/driver.ts'
import { engineUnavailable } from '#scripts/ensure-docker.ts'
import {
  dockerDriver,
  imageInstance,
  keepingLog,
  LISTENING,
  noPhases,
  someOwner,
  temporaryHome,
} from '#testing/docker/driver-context.ts'
import { startTestEngine, type TestEngine } from '#testing/docker/engine.ts'
import { addImage, BASE_IMAGE, STDIO_IMAGE } from '#testing/docker/images.ts'
import { callOverStdio } from '#testing/docker/json-rpc-client.ts'
import { FIXTURE_SCOPE, startFixtureRegistry } from '#testing/npm-registry.ts'
import { LABEL, labelsOf, nameOf } from './labels.ts'
import { createMetadataGuard } from './metadata-guard.ts'

const run = promisify(execFile)
const COMMAND = 'CMD ["node", "/app/server.js"]'
/** An image that asks for all that an image can ask for. */
const GREEDY = 'toolberth-test/greedy:1'

type Attempts = Record<string, { ok: boolean; value?: string; code?: string }>
type Who = { uid: number; gid: number; args: string[]; env: Record<string, string>; status: string }

describe.skipIf(engineUnavailable() !== null)('the docker driver alone', () => {
  let engine: TestEngine
  let temporary: Awaited<ReturnType<typeof temporaryHome>>
  let driver: Driver & { problems: string[] }
  const whose = someOwner()

  beforeAll(async () => {
    temporary = await temporaryHome()
    engine = await startTestEngine()
    await addImage(engine.docker, GREEDY, [
      'USER sneaky',
      'LABEL privileged=true com.docker.cap-add=ALL toolberth.role=data toolberth.installation=mine',
      'VOLUME /var/run/docker.sock',
      'ENV NODE_OPTIONS=--no-warnings',
      'ENTRYPOINT ["node", "/app/server.js"]',
    ])
    driver = dockerDriver(engine, temporary.home, { whose })
    await driver.recover(new Set())
  }, 180_000)
  afterAll(async () => {
    driver?.close()
    await engine?.stop()
    await temporary?.remove()
  }, 120_000)

  async function start(instance: DriverInstance, log = keepingLog()): Promise<Run> {
    await driver.prepare(instance, noPhases(log))
    return driver.start(instance, { log })
  }
  const inspect = (instance: DriverInstance) => engine.docker.getContainer(nameOf(instance.id)).inspect()
  async function end(instance: DriverInstance, started: Run): Promise<void> {
    await started.stop()
    await driver.remove(instance.id, { deleteDataOf: instance.spec.serverId })
  }

  it('F35: nothing of an image and no field of a person shapes the privileges of a server', async () => {
    const instance = imageInstance(GREEDY, {
      serverName: '--privileged',
      source: { type: 'image', image: GREEDY, args: ['--privileged', '--cap-add=ALL', '; id'] },
      env: { DOCKER_HOST: 'unix:///var/run/docker.sock', PRIVILEGED: 'true' },
    })
    const started = await start(instance)
    const call = callOverStdio(started)
    const who = await call<Who>('whoami')
    expect([who.uid, who.gid]).toEqual([65_534, 65_534])
    expect(who.args).toEqual(['--privileged', '--cap-add=ALL', '; id'])
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      expect(who.status).toMatch(new RegExp(`^${set}:\\t0{16}$`, 'm'))
    }
    expect(who.status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(who.status).toMatch(/^Seccomp:\t2$/m)
    const { HostConfig: host, Config: config } = await inspect(instance)
    expect(host).toMatchObject({
      Privileged: false,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Init: true,
      PidsLimit: 64,
      NanoCpus: 500_000_000,
      Memory: 128 * 1024 ** 2,
      MemorySwap: 128 * 1024 ** 2,
      NetworkMode: nameOf(instance.id),
      PortBindings: {},
      RestartPolicy: { Name: 'no' },
    })
    expect([host.CapAdd ?? [], host.Binds ?? [], host.Devices ?? []].flat()).toEqual([])
    expect(config.Labels).toMatchObject({
      [LABEL.role]: 'server',
      [LABEL.installation]: whose.installationId,
    })
    const written = await call<Attempts>('write_files', { paths: ['/app/x', '/etc/x', '/tmp/x', '/proc/x'] })
    expect(Object.entries(written).map(([path, { ok }]) => [path, ok])).toEqual([
      ['/app/x', false],
      ['/etc/x', false],
      ['/tmp/x', true],
      ['/proc/x', false],
    ])
    await end(instance, started)
    expect(await engine.ours()).toEqual([])
  })

  it('runs as the user of the image when that is nobody of importance', async () => {
    const cases = [
      ['USER node', 1000, 1000],
      ['USER 1001', 1001, 1001],
      ['USER 1001:1002', 1001, 1002],
      ['USER 0:1000', 65_534, 65_534],
      ['USER nobody-knows', 65_534, 65_534],
    ] as const
    const found = await Promise.all(
      cases.map(async ([line], at) => {
        const image = `toolberth-test/user:${at}`
        await addImage(engine.docker, image, [line, COMMAND])
        const instance = imageInstance(image)
        const started = await start(instance)
        const { uid, gid } = await callOverStdio(started)<Who>('whoami')
        await end(instance, started)
        return [line, uid, gid]
      }),
    )
    expect(found).toEqual(cases)
  })

  it('keeps servers from the metadata of the cloud, and puts the rule back when it was lost', async () => {
    const inside = (...command: string[]) => run('nsenter', [...engine.inside.slice(1), ...command])
    await inside('ip', 'address', 'add', '169.254.169.254/32', 'dev', 'lo')
    const serve = "require('node:net').createServer((s) => s.end('secret')).listen(80, '169.254.169.254')"
    const metadata = run('nsenter', [...engine.inside.slice(1), process.execPath, '-e', serve])
    metadata.catch(() => undefined)
    const instance = imageInstance(STDIO_IMAGE)
    const started = await start(instance)
    const call = callOverStdio(started)
    const ask = () => call('connect', { host: '169.254.169.254', port: 80 })
    expect(await ask()).toBe('timeout')
    // It is the rule that does it, and nothing else.
    await inside('iptables', '-t', 'raw', '-F', 'PREROUTING')
    await expect.poll(ask).toBe('connected')
    const guard = createMetadataGuard(engine.namespace.pool, [...engine.inside, 'iptables'])
    expect(await Promise.all([guard.ensure(), guard.ensure()])).toEqual([true, true])
    expect(await ask()).toBe('timeout')
    await inside('iptables', '-t', 'raw', '-F', 'PREROUTING')
    const second = imageInstance(STDIO_IMAGE)
    const next = await start(second)
    expect(await ask()).toBe('timeout')
    metadata.child.kill('SIGKILL')
    for (const [one, its] of [
      [instance, started],
      [second, next],
    ] as const)
      await end(one, its)
  })

  it('gives servers no way out where the rule cannot be set', async () => {
    const { home, remove } = await temporaryHome()
    const without = dockerDriver(engine, home, {
      whose,
      guard: createMetadataGuard(engine.namespace.pool, ['/bin/false']),
    })
    const instance = imageInstance(STDIO_IMAGE)
    await without.prepare(instance, noPhases(keepingLog()))
    const started = await without.start(instance, { log: keepingLog() })
    const outside = { host: engine.namespace.hostAddress, port: 9 }
    expect(await callOverStdio(started)('connect', outside)).toMatch(/timeout|ENETUNREACH/)
    const other = imageInstance(STDIO_IMAGE)
    const free = await start(other)
    expect(await callOverStdio(free)('connect', outside)).toBe('ECONNREFUSED')
    await end(other, free)
    expect(without.problems.join()).toContain('no way out')
    await started.stop()
    await without.remove(instance.id, { deleteDataOf: null })
    without.close()
    await remove()
  })

  it('keeps servers from each other', async () => {
    const [one, other] = [imageInstance(STDIO_IMAGE, LISTENING), imageInstance(STDIO_IMAGE)]
    const listening = await start(one)
    await expect.poll(() => listening.listening()).toBe(true)
    const asking = await start(other)
    const host = listening.listensOn?.hosts[0]
    const answer = await callOverStdio(asking)('connect', { host, port: listening.listensOn?.port })
    expect(answer).toBe('timeout')
    await end(one, listening)
    await end(other, asking)
  })

  it('keeps declared data over instances, and deletes it with the server alone', async () => {
    const serverId = randomUUID()
    const data = [{ mountPath: '/data' }, { mountPath: '/srv/cache' }]
    const change = { serverId, data, env: {} }
    const first = imageInstance(STDIO_IMAGE, change)
    const started = await start(first)
    const paths = ['/data/kept', '/srv/cache/kept']
    const written = await callOverStdio(started)<Attempts>('write_files', { paths, content: 'mine' })
    expect(Object.values(written).map(({ ok }) => ok)).toEqual([true, true])
    await started.stop()
    await driver.remove(first.id, { deleteDataOf: null })
    const second = imageInstance(STDIO_IMAGE, change)
    const again = await start(second)
    const read = await callOverStdio(again)<Attempts>('read_files', { paths })
    expect(Object.values(read).map(({ value }) => value)).toEqual(['mine', 'mine'])
    // The instance that is left holds it; it goes with that one.
    await driver.remove(first.id, { deleteDataOf: serverId })
    expect((await engine.ours()).filter((name) => name.startsWith('volume'))).toHaveLength(2)
    await again.stop()
    await driver.remove(second.id, { deleteDataOf: serverId })
    expect(await engine.ours()).toEqual([])
  })

  it('never touches what another installation, or another toolbox, has on the same engine', async () => {
    const { home, remove } = await temporaryHome()
    const theirs = dockerDriver(engine, home, { whose: { ...someOwner(), toolboxId: whose.toolboxId } })
    const instance = imageInstance(STDIO_IMAGE, { ...LISTENING, data: [{ mountPath: '/data' }] })
    await theirs.prepare(instance, noPhases(keepingLog()))
    const running = await theirs.start(instance, { log: keepingLog() })
    await expect.poll(() => running.listening()).toBe(true)
    const before = await engine.ours()
    expect(before).toHaveLength(3)
    // With our labels, as an image can have them, and a name of its own.
    const forged = await engine.docker.createContainer({
      name: 'somebody-elses',
      Image: STDIO_IMAGE,
      Labels: labelsOf(whose, 'server', { [LABEL.instance]: randomUUID() }),
    })
    await driver.halt(instance.id)
    await driver.remove(instance.id, { deleteDataOf: instance.spec.serverId })
    const fresh = dockerDriver(engine, temporary.home, { whose })
    await fresh.recover(new Set())
    await fresh.remove(instance.id, { deleteDataOf: instance.spec.serverId })
    fresh.close()
    expect((await forged.inspect()).State.Status).toBe('created')
    await forged.remove()
    expect(await engine.ours()).toEqual(before)
    await expect(start(instance)).rejects.toThrow('not ours')
    await running.stop()
    await theirs.remove(instance.id, { deleteDataOf: instance.spec.serverId })
    theirs.close()
    await remove()
    await driver.remove(instance.id, { deleteDataOf: null })
    expect(await engine.ours()).toEqual([])
  })

  it('goes on with the very image that was prepared, whatever its tag means by then', async () => {
    const image = 'toolberth-test/moving:1'
    await addImage(engine.docker, image, ['ENV VERSION=one', COMMAND])
    const instance = imageInstance(image)
    const log = keepingLog()
    const { resolvedVersion } = await driver.prepare(instance, noPhases(log))
    await addImage(engine.docker, image, ['ENV VERSION=two', COMMAND])
    expect((await driver.prepare(instance, noPhases(log))).resolvedVersion).toBe(resolvedVersion)
    const started = await driver.start(instance, { log })
    expect((await callOverStdio(started)<Who>('whoami')).env.VERSION).toBe('one')
    await end(instance, started)
  })

  it('says why an image cannot be run', async () => {
    const nothing = imageInstance(BASE_IMAGE)
    await expect(start(nothing)).rejects.toMatchObject({
      code: 'IMAGE_NOT_RUNNABLE',
      message: expect.stringContaining('names no command'),
    })
    const image = 'toolberth-test/no-program:1'
    await addImage(engine.docker, image, ['CMD ["no-such-program"]'])
    const wrong = imageInstance(image)
    const log = keepingLog()
    const started = await start(wrong, log)
    expect(await started.exited).toMatchObject({ exitCode: 127, error: { code: 'IMAGE_NOT_RUNNABLE' } })
    expect(log.lines.join()).toContain('no-such-program')
    await end(wrong, started)
    await driver.remove(nothing.id, { deleteDataOf: null })
    expect(await engine.ours()).toEqual([])
  })

  it('installs npm packages in a container, and runs them where they cannot be changed', async () => {
    const server = new URL('../../../testing/docker/server', import.meta.url).pathname
    const registry = await startFixtureRegistry([server], engine.namespace.hostAddress)
    const npm = dockerDriver(engine, temporary.home, { whose, npmUserConfig: registry.npmrcPath })
    const instance = imageInstance('', {
      source: { type: 'npm', package: `${FIXTURE_SCOPE}/container-server`, args: ['--flag'] },
    })
    const log = keepingLog()
    const { resolvedVersion } = await npm.prepare(instance, noPhases(log))
    expect(resolvedVersion).toBe('1.0.0')
    await registry.stop()
    const started = await npm.start(instance, { log })
    const call = callOverStdio(started)
    expect(await call<Who>('whoami')).toMatchObject({ uid: 65_534, args: ['--flag'], env: { HOME: '/tmp' } })
    const written = await call<Attempts>('write_files', { paths: ['/package/x', '/package/package.json'] })
    expect(Object.values(written).map(({ code }) => code)).toEqual(['EROFS', 'EROFS'])
    expect(await call<Attempts>('read_files', { paths: ['/etc/toolberth-npmrc'] })).toMatchObject({
      '/etc/toolberth-npmrc': { code: 'ENOENT' },
    })
    await started.stop()
    await npm.remove(instance.id, { deleteDataOf: null })
    npm.close()
    expect(await engine.ours()).toEqual([])
  })

  it('has room for forty servers, each in a network of its own', { timeout: 420_000 }, async () => {
    const instances = Array.from({ length: 42 }, () => imageInstance(STDIO_IMAGE))
    const began = Date.now()
    const started = await Promise.all(instances.map((instance) => start(instance)))
    const answers = await Promise.all(
      started.map((one) => callOverStdio(one)('echo', { message: 'one of many' })),
    )
    console.log(`42 servers answered after ${Date.now() - began} ms`)
    expect(new Set(answers)).toEqual(new Set(['Echo: one of many']))
    const networks = (await engine.ours()).filter((name) => name.startsWith('network'))
    expect(networks).toHaveLength(42)
    await Promise.all(instances.map((instance, i) => end(instance, started[i] as Run)))
    expect(await engine.ours()).toEqual([])
  })
})
