import { createHash } from 'node:crypto'
import type { MountConfig } from 'dockerode'
import type { InstanceSpec } from '#contracts/instances.ts'
import { ask, askFor, askUnlessDone, type Engine, statusOf } from './engine.ts'
import { isOurs, LABEL, labelsOf, type Owner } from './labels.ts'

/** By server and path, so that every revision of the server finds the same. */
export function dataVolumeName(serverId: string, mountPath: string): string {
  const path = createHash('sha256').update(mountPath).digest('hex').slice(0, 12)
  return `tb-data-${serverId}-${path}`
}

/** A new volume gets what the image has at its path from the first container alone; `fill` says that this is the one. */
export function dataMounts(spec: InstanceSpec, { fill }: { fill: boolean }): MountConfig {
  return spec.data.map(({ mountPath }) => ({
    Type: 'volume',
    Source: dataVolumeName(spec.serverId, mountPath),
    Target: mountPath,
    VolumeOptions: { NoCopy: !fill, Labels: {}, DriverConfig: { Name: '', Options: {} } },
  }))
}

/** Makes the volumes of what the server declared; those that are there stay as they are. */
export async function ensureDataVolumes(engine: Engine, owner: Owner, spec: InstanceSpec): Promise<void> {
  for (const { mountPath } of spec.data) {
    const labels = labelsOf(owner, 'data', { [LABEL.server]: spec.serverId, [LABEL.path]: mountPath })
    await ask(() =>
      engine.api.createVolume({ Name: dataVolumeName(spec.serverId, mountPath), Labels: labels }),
    )
  }
}

/** Deletes the data of a server, except what another instance of it still holds: the last one deletes that. */
export async function removeDataVolumes(engine: Engine, owner: Owner, serverId: string): Promise<void> {
  const filters = { label: [`${LABEL.role}=data`, `${LABEL.server}=${serverId}`] }
  const { Volumes: volumes } = await ask(() => engine.api.listVolumes({ filters }))
  for (const volume of volumes ?? []) {
    if (!isOurs(owner, { name: volume.Name, labels: volume.Labels })) continue
    try {
      await ask(() => engine.api.getVolume(volume.Name).remove())
    } catch (error) {
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error
    }
  }
}

export async function removeVolume(engine: Engine, owner: Owner, name: string): Promise<void> {
  const volume = await askFor(() => engine.api.getVolume(name).inspect())
  if (volume === null || !isOurs(owner, { name, labels: volume.Labels })) return
  await askUnlessDone(() => engine.api.getVolume(name).remove())
}
