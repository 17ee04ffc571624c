import type { MountConfig } from 'dockerode'
import { ask, askFor, askUnlessDone, type Engine } from './engine.ts'
import { isOurs, type Owner } from './labels.ts'

export type Helper = {
  owner: Owner
  name: string
  imageId: string
  mounts: MountConfig
  labels: Record<string, string>
}

/** Lets files of an image and of volumes be read and written through a container that is never started. */
export async function withHelper<T>(
  engine: Engine,
  options: Helper,
  work: (containerId: string) => Promise<T>,
): Promise<T> {
  await removeOurContainer(engine, options.owner, options.name)
  const container = await ask(() =>
    engine.api.createContainer({
      name: options.name,
      Image: options.imageId,
      // Some images have no command; this one is never run.
      Cmd: ['none'],
      Labels: options.labels,
      NetworkDisabled: true,
      HostConfig: { NetworkMode: 'none', Mounts: options.mounts },
    }),
  )
  try {
    return await work(container.id)
  } finally {
    await removeContainer(engine, container.id)
  }
}

/** Kills and deletes, with anonymous volumes; fine when there is none. */
export async function removeContainer(engine: Engine, idOrName: string): Promise<void> {
  await askUnlessDone(() => engine.api.getContainer(idOrName).remove({ force: true, v: true }))
}

/** As `removeContainer`, by name, unless somebody else's container has it. */
export async function removeOurContainer(engine: Engine, owner: Owner, name: string): Promise<void> {
  const container = await askFor(() => engine.api.getContainer(name).inspect())
  if (container === null || !isOurs(owner, { name, labels: container.Config.Labels })) return
  await removeContainer(engine, container.Id)
}
