import { readFileSync } from 'node:fs'
import { recordAudit } from '#server/audit/record.ts'
import { systemCtx, type UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'
import { open, seal } from '#server/secrets/envelope.ts'
import { holds, masterKey } from '#server/secrets/keyring.ts'

const NAME = 'digitalocean-token'
const PLACE = { table: 'settings', row: NAME, column: 'ciphertext' }

const actor = systemCtx('cloud').actor

export interface CloudToken {
  value: string
  /** A file goes before what is stored. */
  source: 'file' | 'stored'
}

/** The token, read anew each time: it may be replaced at any moment. Throws AppError CLOUD_NOT_CONFIGURED for a file or seal that cannot be read. */
export async function readCloudToken(): Promise<CloudToken | null> {
  const file = env.DIGITALOCEAN_TOKEN_FILE
  if (file !== undefined) return { value: readTokenFile(file), source: 'file' }
  const row = await withActor(actor, (db) => db.setting.findUnique({ where: { name: NAME } }))
  if (!row) return null
  const key = masterKey()
  if (!holds(key, row.keyId))
    throw new AppError('CLOUD_NOT_CONFIGURED', 'the token is sealed with another master key', {
      detail: 'The stored token is sealed with another master key than MASTER_KEY_FILE holds.',
    })
  return { value: open(key, PLACE, row.ciphertext), source: 'stored' }
}

/** Stores a token that was tried before; it is never shown again. */
export async function storeCloudToken(ctx: UserCtx, token: string): Promise<void> {
  const key = masterKey()
  const data = { ciphertext: Uint8Array.from(seal(key, PLACE, token)), keyId: key.id, updatedAt: new Date() }
  await withActor(actor, async (db) => {
    await db.setting.upsert({ where: { name: NAME }, create: { name: NAME, ...data }, update: data })
    await recordAudit(db, ctx, { action: 'cloud.setToken', subjectType: 'cloud', subjectId: 'digitalocean' })
  })
}

/** Forgets the stored token. Idempotent. */
export async function deleteCloudToken(ctx: UserCtx): Promise<void> {
  await withActor(actor, async (db) => {
    const { count } = await db.setting.deleteMany({ where: { name: NAME } })
    if (count > 0)
      await recordAudit(db, ctx, {
        action: 'cloud.removeToken',
        subjectType: 'cloud',
        subjectId: 'digitalocean',
      })
  })
}

function readTokenFile(file: string): string {
  try {
    const token = readFileSync(file, 'utf8').trim()
    if (token) return token
  } catch (error) {
    throw new AppError('CLOUD_NOT_CONFIGURED', 'token file', {
      detail: `DIGITALOCEAN_TOKEN_FILE: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`,
    })
  }
  throw new AppError('CLOUD_NOT_CONFIGURED', 'token file', { detail: 'DIGITALOCEAN_TOKEN_FILE is empty.' })
}
