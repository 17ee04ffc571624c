import { randomUUID } from 'node:crypto'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { open, seal } from '#server/secrets/envelope.ts'
import { masterKey } from '#server/secrets/keyring.ts'
import type { ClearHeaders } from './remote-source.ts'
import { envPlace, headerPlace, RevisionSpec } from './spec.ts'

/** Variables in clear, by name. For the time of one transaction only. */
export type ClearEnv = Record<string, { value: string; secret?: boolean | undefined }>

export interface LoadedRevision {
  id: string
  number: number
  spec: RevisionSpec
  env: Record<string, { value: string; secret: boolean }>
  /** Of a remote server, in clear. */
  headers: ClearHeaders
  /** `sha256:…` of the image that it went live with; null when it has none, or has not yet been live. */
  imageDigest: string | null
}

/** A revision with its variables in clear; without a number the newest. Throws AppError NOT_FOUND, also for one not kept. */
export async function loadRevision(db: Db, serverId: string, number?: number): Promise<LoadedRevision> {
  const row = await db.revision.findFirst({
    where: { serverId, ...(number !== undefined && { number }) },
    orderBy: { number: 'desc' },
    include: { env: true, headers: true },
  })
  if (!row || row.prunedAt)
    throw new AppError('NOT_FOUND', `server ${serverId} has no revision ${number}`, {
      fields: {
        number: [
          row ? `Revision ${number} is not kept any more.` : `There is no revision ${number} of this server.`,
        ],
      },
    })
  const key = masterKey()
  return {
    id: row.id,
    number: row.number,
    imageDigest: row.imageDigest,
    spec: RevisionSpec.parse(row.spec),
    env: Object.fromEntries(
      row.env.map(({ name, secret, ciphertext }) => [
        name,
        { value: open(key, envPlace(row.id, name), ciphertext), secret },
      ]),
    ),
    headers: Object.fromEntries(
      row.headers.map(({ name, ciphertext }) => [name, open(key, headerPlace(row.id, name), ciphertext)]),
    ),
  }
}

/**
 * Writes an immutable revision; its variables and headers are sealed for their own rows. A copy of one that went live takes over
 * the digest of its image. Answers its id.
 */
export async function writeRevision(
  db: Db,
  serverId: string,
  number: number,
  spec: RevisionSpec,
  { env, headers, imageDigest = null }: { env: ClearEnv; headers: ClearHeaders; imageDigest?: string | null },
): Promise<string> {
  const revisionId = randomUUID()
  await db.revision.create({ data: { id: revisionId, serverId, number, spec, imageDigest } })
  const key = masterKey()
  const rows = Object.entries(env).map(([name, { value, secret }]) => ({
    revisionId,
    name,
    secret: secret ?? false,
    ciphertext: Uint8Array.from(seal(key, envPlace(revisionId, name), value)),
    keyId: key.id,
  }))
  if (rows.length > 0) await db.revisionEnv.createMany({ data: rows })
  const headerRows = Object.entries(headers).map(([name, value]) => ({
    revisionId,
    name,
    ciphertext: Uint8Array.from(seal(key, headerPlace(revisionId, name), value)),
    keyId: key.id,
  }))
  if (headerRows.length > 0) await db.revisionHeader.createMany({ data: headerRows })
  return revisionId
}
