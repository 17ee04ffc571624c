import { createHash, hkdfSync } from 'node:crypto'
import { statSync } from 'node:fs'
import { env, readMasterKeys } from '#server/env.ts'

interface Key {
  /** First 16 hex digits of the key's SHA-256: says which key a value needs, nothing about the key. */
  readonly id: string
  readonly key: Buffer
}

export interface MasterKey extends Key {
  /** Keys that open what this one does not, while a rotation goes on. Nothing is sealed under them. */
  readonly earlier: readonly Key[]
}

let loaded: { version: string; key: MasterKey } | undefined

/** The master key of this process, read again when its file has changed, as a rotation does. Throws EnvError. */
export function masterKey(): MasterKey {
  const file = env.MASTER_KEY_FILE
  const found = statSync(file, { throwIfNoEntry: false })
  // A process that has its key needs the file no more.
  if (loaded && !found) return loaded.key
  const version = `${found?.ino}/${found?.mtimeMs}/${found?.size}`
  if (loaded?.version !== version) {
    const [key, ...earlier] = readMasterKeys(file)
    loaded = { version, key: toMasterKey(key, earlier) }
  }
  return loaded.key
}

export function toMasterKey(key: Buffer, earlier: readonly Buffer[] = []): MasterKey {
  return { ...toKey(key), earlier: earlier.map(toKey) }
}

/** Whether what was sealed under this key can be opened. */
export function holds(master: MasterKey, keyId: string): boolean {
  return [master, ...master.earlier].some(({ id }) => id === keyId)
}

/** A key for one other purpose, derived from the master key (HKDF-SHA-256), as base64url. */
export function derivedSecret(purpose: string): string {
  return Buffer.from(
    hkdfSync('sha256', masterKey().key, Buffer.alloc(0), `toolberth:${purpose}`, 32),
  ).toString('base64url')
}

function toKey(key: Buffer): Key {
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 16), key }
}
