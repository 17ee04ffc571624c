import type Docker from 'dockerode'
import type { InstanceSource } from '#contracts/instances.ts'
import { type DriverInstance, InstanceFailure } from '#dtma/drivers/driver.ts'
import { packFiles, readContainerFile } from './archive.ts'
import { ask, type Engine } from './engine.ts'
import { withHelper } from './helper-container.ts'
import { chooseUser, needsPasswd, type ServerUser } from './image-user.ts'
import { instanceLabels, nameOf, type Owner } from './labels.ts'
import type { Prepared } from './prepared.ts'
import { pullImage } from './pull-image.ts'
import { dataMounts, ensureDataVolumes } from './volumes.ts'

export type PrepareContext = { signal: AbortSignal; onPhase(phase: string): void }
type ImageSource = Extract<InstanceSource, { type: 'image' }>

/** Pulls the image of an instance, finds out who it runs as, and makes its volumes. */
export async function prepareImage(
  engine: Engine,
  owner: Owner,
  instance: DriverInstance,
  source: ImageSource,
  context: PrepareContext,
): Promise<Prepared> {
  const pulled = await pullImage(engine, { ...context, image: source.image, credentials: source.credentials })
  context.signal.throwIfAborted()
  const image = await ask(() => engine.api.getImage(pulled.imageId).inspect())
  refuseUnrunnable(image, source)
  return {
    imageId: image.Id,
    pullable: pulled.resolved === image.Id ? null : pulled.resolved,
    resolvedVersion: pulled.resolved,
    user: await prepareFiles(engine, owner, instance, image),
    exposedPort: exposedPort(image),
    cmd: image.Config.Cmd ?? [],
    bin: null,
  }
}

/** Only where files have to be looked at or made is a container needed for it. */
async function prepareFiles(
  engine: Engine,
  owner: Owner,
  instance: DriverInstance,
  image: Docker.ImageInspectInfo,
): Promise<ServerUser> {
  const wanted = image.Config.User ?? ''
  const { spec } = instance
  if (!needsPasswd(wanted) && spec.data.length === 0) return chooseUser(wanted, '', '')
  await ensureDataVolumes(engine, owner, spec)
  const helper = {
    owner,
    name: `${nameOf(instance.id)}-prepare`,
    imageId: image.Id,
    mounts: dataMounts(spec, { fill: true }),
    labels: instanceLabels(owner, 'prepare', instance),
  }
  return withHelper(engine, helper, async (id) => {
    const [passwd, group] = [
      await readContainerFile(engine, id, '/etc/passwd'),
      await readContainerFile(engine, id, '/etc/group'),
    ].map((file) => file?.toString('utf8') ?? '')
    const user = chooseUser(wanted, passwd ?? '', group ?? '')
    await giveFolders(
      engine,
      id,
      spec.data.map(({ mountPath }) => mountPath),
      user,
    )
    return user
  })
}

/** New volumes belong to root; the server is not root and has to write there. */
export async function giveFolders(
  engine: Engine,
  containerId: string,
  paths: readonly string[],
  user: Pick<ServerUser, 'uid' | 'gid'>,
): Promise<void> {
  if (paths.length === 0) return
  const folders = paths.map((path) => ({ name: `${path.slice(1)}/`, ...idsOf(user), mode: 0o755 }))
  const archive = await packFiles(folders)
  await ask(() => engine.api.getContainer(containerId).putArchive(archive, { path: '/' }))
}

const idsOf = ({ uid, gid }: Pick<ServerUser, 'uid' | 'gid'>) => ({ uid, gid })

function refuseUnrunnable(image: Docker.ImageInspectInfo, source: ImageSource): void {
  if (image.Os !== 'linux') {
    throw new InstanceFailure('IMAGE_NOT_RUNNABLE', `${source.image} is an image for ${image.Os}.`)
  }
  const { Entrypoint: entrypoint, Cmd: cmd } = image.Config
  if ((entrypoint ?? []).length === 0 && (cmd ?? []).length === 0 && source.args.length === 0) {
    throw new InstanceFailure(
      'IMAGE_NOT_RUNNABLE',
      `${source.image} names no command to start; give it as arguments.`,
    )
  }
}

function exposedPort(image: Docker.ImageInspectInfo): number | null {
  const ports = Object.keys(image.Config.ExposedPorts ?? {}).filter((port) => port.endsWith('/tcp'))
  const port = Number.parseInt(ports[0] ?? '', 10)
  return ports.length === 1 && port > 0 ? port : null
}
