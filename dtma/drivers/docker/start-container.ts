import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { type DriverInstance, InstanceFailure, type LogSink, type RunSession } from '#dtma/drivers/driver.ts'
import { PACKAGE_PATH, portFor, STOP_SECONDS, serverContainer } from './container-options.ts'
import { type ContainerRun, explainStartFailure, followContainer, followLog } from './container-run.ts'
import { handlingOf } from './container-states.ts'
import { ask, askFor, askUnlessDone, type Engine, messageOf, statusOf } from './engine.ts'
import { removeContainer } from './helper-container.ts'
import { instanceLabels, isOurs, LABEL, nameOf, type Owner } from './labels.ts'
import type { Prepared } from './prepared.ts'
import { dataMounts, ensureDataVolumes } from './volumes.ts'

export type StartRequest = {
  engine: Engine
  owner: Owner
  instance: DriverInstance
  /** The container is that of one session. */
  session?: RunSession | undefined
  prepared: Prepared
  network: string
  log: LogSink
  onEnd(run: ContainerRun): void
}

/**
 * Starts the container of an instance, or takes over the one that runs already (only servers with a port: the pipes of others
 * are gone). Throws InstanceFailure IMAGE_NOT_RUNNABLE, TOOLBOX_DISK_FULL, ENGINE_UNAVAILABLE.
 */
export async function startContainer(request: StartRequest): Promise<ContainerRun> {
  const { engine, owner, instance, prepared, session } = request
  const name = nameOf(instance.id, session?.id)
  const there = await askFor(() => engine.api.getContainer(name).inspect())
  if (there !== null && !isOurs(owner, { name, labels: there.Config.Labels })) {
    throw new InstanceFailure('TOOLBOX_INTERNAL', `A container ${name} exists that is not ours.`)
  }
  if (there !== null) {
    const taken = await takeOver(request, there)
    if (taken !== null) return taken
    await removeContainer(engine, there.Id)
  }
  await ensureDataVolumes(engine, owner, instance.spec)
  const options = serverContainer({
    name,
    spec: { ...instance.spec, env: { ...instance.spec.env, ...session?.env } },
    prepared,
    network: request.network,
    mounts: [...dataMounts(instance.spec, { fill: false }), ...packageMount(instance, prepared)],
    labels: {
      ...instanceLabels(owner, session === undefined ? 'server' : 'session', instance),
      ...(session !== undefined && { [LABEL.session]: session.id }),
    },
  })
  const { Id: id } = await create(engine, instance, options)
  return begin(request, id)
}

function packageMount(instance: DriverInstance, prepared: Prepared): Docker.MountConfig {
  if (prepared.bin === null) return []
  return [{ Type: 'volume', Source: packageVolumeName(instance.id), Target: PACKAGE_PATH, ReadOnly: true }]
}

export function packageVolumeName(instanceId: string): string {
  return `${nameOf(instanceId)}-package`
}

async function create(
  engine: Engine,
  instance: DriverInstance,
  options: Docker.ContainerCreateOptions,
): Promise<{ Id: string }> {
  try {
    const container = await ask(() => engine.api.createContainer(options))
    return { Id: container.id }
  } catch (error) {
    if (statusOf(error) === null) throw error
    throw explainStartFailure(imageName(instance), messageOf(error))
  }
}

async function begin(request: StartRequest, id: string): Promise<ContainerRun> {
  const { engine, instance } = request
  const stdio = instance.spec.transport === 'stdio'
  const container = engine.streams.getContainer(id)
  // Before the start, so that not even its first words are missed.
  const output = await ask(() =>
    container.attach({
      stream: true,
      hijack: true,
      stdin: stdio,
      stdout: true,
      stderr: true,
    }),
  )
  output.on('error', () => undefined)
  try {
    await ask(() => engine.api.getContainer(id).start())
  } catch (error) {
    ;(output as Duplex).destroy()
    await removeContainer(engine, id).catch(() => undefined)
    if (statusOf(error) === null) throw error
    throw explainStartFailure(imageName(instance), messageOf(error))
  }
  const started = await ask(() => engine.api.getContainer(id).inspect())
  return follow(request, started, output)
}

async function takeOver(
  request: StartRequest,
  there: Docker.ContainerInspectInfo,
): Promise<ContainerRun | null> {
  const { engine, instance, prepared, log } = request
  const handling = handlingOf(there.State.Status)
  const usable =
    handling.take !== 'replace' && instance.spec.transport !== 'stdio' && there.Image === prepared.imageId
  if (!usable || !(request.network in there.NetworkSettings.Networks)) return null
  if (handling.take === 'resume') await askUnlessDone(() => engine.api.getContainer(there.Id).unpause())
  log.write('agent', `The container ${handling.says}; it is taken over.`)
  const since = Math.floor(Date.now() / 1000)
  return follow(request, there, await followLog(engine, there.Id, since))
}

function follow(
  request: StartRequest,
  container: Docker.ContainerInspectInfo,
  output: NodeJS.ReadableStream,
): ContainerRun {
  const { instance, prepared, network } = request
  const port = portFor(instance.spec, prepared.exposedPort)
  // A container that has ended has no address any more.
  const host = container.NetworkSettings.Networks[network]?.IPAddress || null
  const run: ContainerRun = followContainer({
    engine: request.engine,
    containerId: container.Id,
    output,
    stdio: instance.spec.transport === 'stdio',
    listensOn: port === null ? null : { hosts: host === null ? [] : [host], port },
    log: request.log,
    stopSeconds: STOP_SECONDS,
    onEnd: () => request.onEnd(run),
  })
  return run
}

function imageName({ spec }: DriverInstance): string {
  return spec.source.type === 'image' ? spec.source.image : 'The image of Node.js'
}
