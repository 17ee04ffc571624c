import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { DesiredState, InstanceSpec } from '#contracts/instances.ts'
import { Id } from '#contracts/names.ts'
import { readFileIfThere, writeFileAtomic } from './atomic-file.ts'
import type { Seal } from './seal.ts'

/** What survives of an instance. One that is `absent` stays as a tombstone: its fence keeps late requests out. */
export type InstanceRecord = {
  id: string
  desired: DesiredState
  fence: number
  restartNonce: string | null
  /** Null for tombstones. */
  spec: InstanceSpec | null
  /** Was `running` once; from then on an exit is answered with a restart, before that it is final. */
  everReady: boolean
  /** The deleted server whose data is to go with this instance. */
  deleteDataOf: string | null
  changedAt: string
}

const Stored = z.object({
  version: z.literal(1),
  id: Id,
  desired: DesiredState,
  fence: z.int().nonnegative(),
  restartNonce: z.string().nullable(),
  sealedSpec: z.string().nullable(),
  everReady: z.boolean(),
  deleteDataOf: Id.nullable().default(null),
  changedAt: z.iso.datetime(),
})

export type InstanceStore = {
  /** Every record. A file that cannot be read is set aside as `*.damaged` and reported. */
  load(onDamaged: (file: string, error: unknown) => void): Promise<InstanceRecord[]>
  save(record: InstanceRecord): Promise<void>
  forget(id: string): Promise<void>
}

/** Records of instances, one file each, written atomically; specs hold secrets and are sealed under the agent's key. */
export function createInstanceStore(folder: string, seal: Seal): InstanceStore {
  const pathOf = (id: string) => join(folder, `${id}.json`)
  return {
    async load(onDamaged) {
      const records: InstanceRecord[] = []
      for (const name of await readdir(folder)) {
        const path = join(folder, name)
        if (name.endsWith('.tmp')) await rm(path, { force: true })
        if (!name.endsWith('.json')) continue
        try {
          const {
            sealedSpec,
            version: _,
            ...rest
          } = Stored.parse(JSON.parse((await readFileIfThere(path)) ?? ''))
          const spec =
            sealedSpec === null ? null : InstanceSpec.parse(JSON.parse(seal.open(sealedSpec, rest.id)))
          records.push({ ...rest, spec })
        } catch (error) {
          onDamaged(path, error)
          await rename(path, `${path}.damaged`)
        }
      }
      return records
    },
    async save({ spec, ...rest }) {
      const sealedSpec = spec === null ? null : seal.close(JSON.stringify(spec), rest.id)
      await writeFileAtomic(pathOf(rest.id), JSON.stringify({ version: 1, ...rest, sealedSpec }))
    },
    async forget(id) {
      await rm(pathOf(id), { force: true })
    },
  }
}
