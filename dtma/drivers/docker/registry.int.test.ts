import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Driver, DriverInstance, Run } from '#dtma/drivers/driver.ts'
import { engineUnavailable } from '#scripts/ensure-docker.ts'
import {
  dockerDriver,
  imageInstance,
  keepingLog,
  noPhases,
  someOwner,
  temporaryHome,
} from '#testing/docker/driver-context.ts'
import { startTestEngine, type TestEngine } from '#testing/docker/engine.ts'
import { REGISTRY_LOGIN, registryUnavailable, startImageRegistry } from '#testing/docker/image-registry.ts'
import { addImage } from '#testing/docker/images.ts'
import { callOverStdio } from '#testing/docker/json-rpc-client.ts'

const COMMAND = 'CMD ["node", "/app/server.js"]'
const unavailable = engineUnavailable() ?? (registryUnavailable() ? 'not installed: docker-registry' : null)
if (unavailable !== null) console.warn(`Images of a registry are not tested: ${unavailable}.`)

describe.skipIf(unavailable !== null)('images of a registry with a password', () => {
  let engine: TestEngine
  let registry: Awaited<ReturnType<typeof startImageRegistry>>
  let temporary: Awaited<ReturnType<typeof temporaryHome>>
  let driver: Driver

  beforeAll(async () => {
    temporary = await temporaryHome()
    engine = await startTestEngine()
    registry = await startImageRegistry(engine.namespace.hostAddress)
    driver = dockerDriver(engine, temporary.home, { whose: someOwner() })
    await driver.recover(new Set())
    await publish('one')
  }, 180_000)
  afterAll(async () => {
    driver?.close()
    await registry?.stop()
    await engine?.stop()
    await temporary?.remove()
  }, 120_000)

  /** Moves the one tag that there is to an image that says so. */
  async function publish(version: string): Promise<void> {
    const image = `toolberth-test/${version}:1`
    await addImage(engine.docker, image, [`ENV VERSION=${version}`, COMMAND])
    await registry.push(engine.docker, image, 'team/server:1')
  }
  const instanceOf = (name: string, credentials = REGISTRY_LOGIN): DriverInstance =>
    imageInstance('', { source: { type: 'image', image: `${registry.host}/${name}`, args: [], credentials } })
  const prepare = (instance: DriverInstance) => driver.prepare(instance, noPhases(keepingLog()))

  async function versionOf(instance: DriverInstance): Promise<string | undefined> {
    const started: Run = await driver.start(instance, { log: keepingLog() })
    const { env } = await callOverStdio(started)<{ env: Record<string, string> }>('whoami')
    await started.stop()
    return env.VERSION
  }

  it('are refused with a cause for each: a wrong password, and a tag that is not there', async () => {
    const wrong = instanceOf('team/server:1', { ...REGISTRY_LOGIN, password: 'wrong' })
    await expect(prepare(wrong)).rejects.toMatchObject({ code: 'IMAGE_ACCESS_DENIED' })
    await expect(prepare(instanceOf('team/server:2'))).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  it('run by digest what they ran by tag, after the tag has moved and the engine has forgotten them', async () => {
    const first = instanceOf('team/server:1')
    const { resolvedVersion } = await prepare(first)
    expect(resolvedVersion).toMatch(/\/team\/server@sha256:[0-9a-f]{64}$/)
    expect(await versionOf(first)).toBe('one')
    await publish('two')
    // A restart of the same instance.
    expect((await prepare(first)).resolvedVersion).toBe(resolvedVersion)
    expect(await versionOf(first)).toBe('one')

    const updated = instanceOf('team/server:1')
    await prepare(updated)
    expect(await versionOf(updated)).toBe('two')

    await driver.remove(first.id, { deleteDataOf: null })
    await engine.docker.getImage(resolvedVersion ?? '').remove({ force: true })
    const digest = resolvedVersion?.split('@')[1]
    const back = instanceOf(`team/server@${digest}`)
    expect((await prepare(back)).resolvedVersion).toBe(resolvedVersion)
    expect(await versionOf(back)).toBe('one')
    for (const { id } of [updated, back]) await driver.remove(id, { deleteDataOf: null })
    expect(await engine.ours()).toEqual([])
  })
})
