import { createHash, hkdfSync } from 'node:crypto'
import { env, readMasterKey } from '#server/env.ts'

export interface MasterKey {
  /** First 16 hex digits of the key's SHA-256: says which key a value needs, nothing about the key. */
  readonly id: string
  readonly key: Buffer
}

let loaded: MasterKey | undefined

/** The master key of this process, read once. Throws EnvError. */
export function masterKey(): MasterKey {
  loaded ??= toMasterKey(readMasterKey(env.MASTER_KEY_FILE))
  return loaded
}

export function toMasterKey(key: Buffer): MasterKey {
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 16), key }
}

/** A key for one other purpose, derived from the master key (HKDF-SHA-256), as base64url. */
export function derivedSecret(purpose: string): string {
  return Buffer.from(
    hkdfSync('sha256', masterKey().key, Buffer.alloc(0), `toolberth:${purpose}`, 32),
  ).toString('base64url')
}
