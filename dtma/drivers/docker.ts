import { readFile } from 'node:fs/promises'
import type { Home } from '#dtma/home.ts'
import type { ContainerRun } from './docker/container-run.ts'
import { ask, connectEngine, isEngineAway } from './docker/engine.ts'
import { watchEngine } from './docker/engine-events.ts'
import { removeOurContainer } from './docker/helper-container.ts'
import { prepareNpm } from './docker/install-npm.ts'
import { nameOf, type Owner } from './docker/labels.ts'
import { createMetadataGuard, type MetadataGuard } from './docker/metadata-guard.ts'
import { createNetworks, removeNetwork } from './docker/network.ts'
import { prepareImage } from './docker/prepare-image.ts'
import { forgetPrepared, type Prepared, readPrepared, writePrepared } from './docker/prepared.ts'
import { findImage, pullImage } from './docker/pull-image.ts'
import { endSessions } from './docker/sessions.ts'
import { packageVolumeName, startContainer } from './docker/start-container.ts'
import { sweep } from './docker/sweep.ts'
import { removeDataVolumes, removeVolume } from './docker/volumes.ts'
import { type Driver, type DriverInstance, InstanceFailure } from './driver.ts'

const USAGE_EVERY_MS = 5_000

export type DockerDriverOptions = {
  home: Home
  socketPath: string
  /** Whose containers these are; null until the agent is enrolled, and there are none before that. */
  owner(): Owner | null
  networkPool: string
  nodeImage: string
  /** Path of an npm configuration file for installs. */
  npmUserConfig: string | undefined
  /** Servers may have an ordinary network although the metadata address cannot be blocked. */
  allowUnisolated: boolean
  guard?: MetadataGuard
  onProblem(text: string): void
}

/** Runs servers as containers of a Docker engine on the same machine. */
export function createDockerDriver(options: DockerDriverOptions): Driver {
  const { home } = options
  const engine = connectEngine(options.socketPath)
  const networks = createNetworks(engine, options.networkPool)
  const guard = options.guard ?? createMetadataGuard(options.networkPool)
  const runs = new Set<ContainerRun>()
  /** Instances that were recovered, prepared or started here: of others there is nothing. */
  const touched = new Set<string>()
  /** Sessions of isolated servers that were started here and are not over. */
  const sessions = new Set<string>()
  let swept = false
  let sweeping: Promise<void> | null = null

  const watch = watchEngine(engine, {
    onUp() {
      for (const run of runs) run.check()
      const again = swept ? endForgottenSessions : recover
      void again().catch((error: Error) => options.onProblem(error.message))
    },
    onAway() {
      options.onProblem('The container engine does not answer; trying again.')
      for (const run of runs) run.engineAway()
    },
    onEvent({ action, containerId }) {
      if (/^(die|destroy|pause|oom)$/.test(action)) {
        for (const run of runs) if (run.containerId === containerId) run.check()
      }
    },
  })
  const timer = setInterval(() => void refreshUsage(), USAGE_EVERY_MS)
  timer.unref()

  async function refreshUsage(): Promise<void> {
    if (!watch.up()) return
    for (const run of runs) await run.refreshUsage()
  }

  function owner(): Owner {
    const known = options.owner()
    if (known === null) throw new InstanceFailure('TOOLBOX_INTERNAL', 'The agent is not enrolled yet.')
    return known
  }

  async function recover(): Promise<void> {
    const whose = options.owner()
    if (whose === null) {
      swept = true
      return
    }
    sweeping ??= endForgottenSessions()
      .then(() => sweep(engine, whose, home.servers, (id) => touched.has(id)))
      .then(() => {
        swept = true
      })
      .finally(() => {
        sweeping = null
      })
    await sweeping
  }

  /** Their pipes are gone, with an earlier run of the agent or with the engine. */
  async function endForgottenSessions(): Promise<void> {
    const whose = options.owner()
    if (whose !== null) await endSessions(engine, whose, { keep: (session) => sessions.has(session) })
  }

  async function network(instanceId: string, session?: string): Promise<string> {
    const guarded = await guard.ensure()
    const internal = !guarded && !options.allowUnisolated
    if (internal) {
      options.onProblem('iptables cannot block the cloud metadata address here; servers get no way out.')
    }
    return networks.ensure(owner(), instanceId, { internal, session })
  }

  /** The very image that was prepared, fetched again by its digest when somebody deleted it. */
  async function stillThere(
    instance: DriverInstance,
    prepared: Prepared,
    context: Context,
  ): Promise<boolean> {
    if ((await findImage(engine, prepared.imageId)) !== null) return true
    if (prepared.pullable === null) return false
    const { source } = instance.spec
    const credentials = source.type === 'image' ? source.credentials : undefined
    await pullImage(engine, { ...context, image: prepared.pullable, credentials })
    return (await findImage(engine, prepared.imageId)) !== null
  }

  async function prepareAnew(instance: DriverInstance, context: Context): Promise<Prepared> {
    const { source } = instance.spec
    if (source.type === 'image') return prepareImage(engine, owner(), instance, source, context)
    if (source.type !== 'npm') {
      throw new InstanceFailure('SOURCE_UNSUPPORTED', `This toolbox cannot run "${source.type}".`)
    }
    const userConfig =
      options.npmUserConfig === undefined ? null : await readFile(options.npmUserConfig, 'utf8')
    const npm = { nodeImage: options.nodeImage, userConfig, network: await network(instance.id) }
    return prepareNpm(engine, owner(), instance, source, npm, context)
  }

  return {
    name: 'docker',
    isolation: 'container',

    async recover(known) {
      for (const id of known) touched.add(id)
      await recover().catch((error: unknown) => {
        // It is done when the engine comes back.
        if (!isEngineAway(error)) throw error
        options.onProblem((error as Error).message)
      })
    },

    async prepare(instance, context) {
      touched.add(instance.id)
      const known = await readPrepared(home.servers, instance.id)
      if (known !== null && (await stillThere(instance, known, context))) return known
      const prepared = await prepareAnew(instance, context)
      await writePrepared(home.servers, instance.id, prepared)
      return prepared
    },

    async start(instance, { log, session }) {
      const prepared = await readPrepared(home.servers, instance.id)
      if (prepared === null) throw new InstanceFailure('TOOLBOX_INTERNAL', 'The image is not prepared.')
      if (session !== undefined) sessions.add(session.id)
      const clear = async () => {
        if (session === undefined) return
        sessions.delete(session.id)
        await endSessions(engine, owner(), { instanceId: instance.id, session: session.id })
      }
      try {
        const run = await startContainer({
          engine,
          owner: owner(),
          instance,
          session,
          prepared,
          network: await network(instance.id, session?.id),
          log,
          onEnd: (ended) => runs.delete(ended),
        })
        runs.add(run)
        // What happened since it was started and before it was among the runs.
        run.check()
        const stop = async () => {
          try {
            await run.stop()
          } finally {
            await clear()
          }
        }
        return { ...run, stop }
      } catch (error) {
        await clear().catch(() => undefined)
        throw error
      }
    },

    async halt(id) {
      if (!touched.has(id)) return
      await endSessions(engine, owner(), { instanceId: id })
      await removeOurContainer(engine, owner(), nameOf(id))
    },

    async remove(id, { deleteDataOf }) {
      const nothingThere = swept && !touched.has(id)
      if (!nothingThere && options.owner() !== null) {
        await removeOurContainer(engine, owner(), `${nameOf(id)}-prepare`)
        await endSessions(engine, owner(), { instanceId: id })
        await removeOurContainer(engine, owner(), nameOf(id))
        await removeNetwork(engine, owner(), nameOf(id))
        await removeVolume(engine, owner(), packageVolumeName(id))
        await forgetPrepared(home.servers, id)
        touched.delete(id)
      }
      if (deleteDataOf !== null) await removeDataVolumes(engine, owner(), deleteDataOf)
    },

    close() {
      clearInterval(timer)
      watch.close()
    },
  }
}

type Context = Parameters<Driver['prepare']>[1]

/** True when an engine answers at the socket. */
export async function engineAnswers(socketPath: string): Promise<boolean> {
  try {
    await ask(() => connectEngine(socketPath).api.ping())
    return true
  } catch {
    return false
  }
}
