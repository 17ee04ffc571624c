import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DriverInstance, Run } from '#dtma/drivers/driver.ts'
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
import { STDIO_IMAGE } from '#testing/docker/images.ts'
import { callOverHttp, callOverStdio } from '#testing/docker/json-rpc-client.ts'
import { nameOf } from './labels.ts'

describe.skipIf(engineUnavailable() !== null)('the docker driver', () => {
  let engine: TestEngine
  let temporary: Awaited<ReturnType<typeof temporaryHome>>
  const whose = someOwner()
  const drivers: ReturnType<typeof dockerDriver>[] = []

  beforeAll(async () => {
    temporary = await temporaryHome()
    engine = await startTestEngine()
  }, 180_000)
  afterAll(async () => {
    for (const driver of drivers) driver.close()
    await engine?.stop()
    await temporary?.remove()
  }, 120_000)

  /** As after a start of the agent that knows these instances. */
  async function agent(...known: DriverInstance[]) {
    const driver = dockerDriver(engine, temporary.home, { whose })
    drivers.push(driver)
    await driver.recover(new Set(known.map(({ id }) => id)))
    return driver
  }
  async function start(driver: Awaited<ReturnType<typeof agent>>, instance: DriverInstance): Promise<Run> {
    await driver.prepare(instance, noPhases(keepingLog()))
    return driver.start(instance, { log: keepingLog() })
  }
  const container = (instance: DriverInstance) => engine.docker.getContainer(nameOf(instance.id))
  const idOf = async (instance: DriverInstance) => (await container(instance).inspect()).Id
  const answers = (run: Run) =>
    expect.poll(() => callOverHttp(run)('echo', { message: 'up' }).catch(() => null)).toBe('Echo: up')

  it('F5: takes over what runs or is paused, and replaces what does not, after the end of the agent', async () => {
    const first = await agent()
    const states = ['running', 'paused', 'exited', 'created'] as const
    const instances = states.map(() => imageInstance(STDIO_IMAGE, LISTENING))
    const [running, paused, exited, created] = instances as [
      DriverInstance,
      DriverInstance,
      DriverInstance,
      DriverInstance,
    ]
    for (const instance of instances) await start(first, instance)
    first.close()
    const before = await Promise.all(instances.map(idOf))
    await container(paused).pause()
    await container(exited).kill()
    const { Config: config, HostConfig: host } = await container(created).inspect()
    await container(created).remove({ force: true })
    const again = await engine.docker.createContainer({
      ...config,
      HostConfig: host,
      name: nameOf(created.id),
    })
    before[3] = again.id
    const found = await Promise.all(instances.map((one) => container(one).inspect()))
    expect(found.map(({ State: state }) => state.Status)).toEqual(states)

    const next = await agent(...instances)
    for (const instance of instances) await answers(await start(next, instance))
    const after = await Promise.all(instances.map(idOf))
    expect(after.map((id, i) => id === before[i])).toEqual([true, true, false, false])
    expect(running.id).not.toBe(paused.id)
    for (const { id } of instances) await next.remove(id, { deleteDataOf: null })
    expect(await engine.ours()).toEqual([])
  })

  it('resumes what is paused from outside, and reports what is removed', async () => {
    const driver = await agent()
    const instance = imageInstance(STDIO_IMAGE, LISTENING)
    const run = await start(driver, instance)
    await answers(run)
    await container(instance).pause()
    await answers(run)
    await container(instance).remove({ force: true })
    expect((await run.exited).error?.code ?? 'SERVER_EXITED').toBe('SERVER_EXITED')
    await run.stop()
    await driver.remove(instance.id, { deleteDataOf: null })
  })

  it('lives through kill -9 of the engine: ports are served, pipes are reported, all is found again', {
    timeout: 240_000,
  }, async () => {
    const driver = await agent()
    const [listening, piped] = [imageInstance(STDIO_IMAGE, LISTENING), imageInstance(STDIO_IMAGE)]
    const served = await start(driver, listening)
    await answers(served)
    const lost = await start(driver, piped)
    expect(await callOverStdio(lost)('echo', { message: 'up' })).toBe('Echo: up')

    await engine.kill()
    expect(await lost.exited).toMatchObject({ error: { code: 'ENGINE_UNAVAILABLE' } })
    await answers(served)
    await expect(driver.halt(piped.id)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
    await expect(start(driver, imageInstance(STDIO_IMAGE))).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
    })
    const meanwhile = await agent(listening, piped)
    expect(meanwhile.problems).not.toEqual([])

    await engine.restart()
    // This engine ends at its start what ran without it.
    await served.exited
    for (const [instance, call] of [
      [listening, callOverHttp],
      [piped, callOverStdio],
    ] as const) {
      const run = await start(driver, instance)
      await expect.poll(() => call(run)('echo', { message: 'up' }).catch(() => null)).toBe('Echo: up')
    }
    for (const { id } of [listening, piped]) await driver.remove(id, { deleteDataOf: null })
    expect(await engine.ours()).toEqual([])
  })
})
