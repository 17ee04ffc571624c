import { readdir } from 'node:fs/promises'
import { ask, askUnlessDone, type Engine } from './engine.ts'
import { removeContainer } from './helper-container.ts'
import { isOurs, LABEL, type Owner } from './labels.ts'
import { forgetPrepared } from './prepared.ts'

/**
 * Deletes what this agent, or an earlier one of the same toolbox, made for instances that `isWanted` does not know: containers,
 * networks, installed packages. Declared data is never deleted here, nor is anything of others.
 */
export async function sweep(
  engine: Engine,
  owner: Owner,
  serversFolder: string,
  isWanted: (instanceId: string) => boolean,
): Promise<void> {
  const filters = { label: [LABEL.instance] }
  const isUnwanted = (name: string, labels: Record<string, string> | undefined) =>
    isOurs(owner, { name, labels }) && !isWanted(labels?.[LABEL.instance] ?? '')

  for (const container of await ask(() => engine.api.listContainers({ all: true, filters }))) {
    const name = container.Names[0]?.replace(/^\//, '') ?? ''
    const isHelper =
      container.Labels[LABEL.role] === 'prepare' && isOurs(owner, { name, labels: container.Labels })
    if (isHelper || isUnwanted(name, container.Labels)) await removeContainer(engine, container.Id)
  }
  for (const network of await ask(() => engine.api.listNetworks({ filters }))) {
    if (isUnwanted(network.Name, network.Labels)) {
      await askUnlessDone(() => engine.api.getNetwork(network.Id).remove())
    }
  }
  const { Volumes: volumes } = await ask(() => engine.api.listVolumes({ filters }))
  for (const volume of volumes ?? []) {
    if (isUnwanted(volume.Name, volume.Labels)) {
      await askUnlessDone(() => engine.api.getVolume(volume.Name).remove())
    }
  }
  for (const id of await readdir(serversFolder)) {
    if (!isWanted(id)) await forgetPrepared(serversFolder, id)
  }
}
