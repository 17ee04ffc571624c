import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { MasterKey } from './keyring.ts'

/** Where a value stands: it can be opened only there, so a row's ciphertext cannot be moved to another row. */
export interface Place {
  readonly table: string
  readonly row: string
  readonly column: string
}

const VERSION = 1
/** AES-256-GCM with the 96-bit nonce and 128-bit tag of NIST SP 800-38D. */
const NONCE = 12
const TAG = 16
const KEY = 32
const WRAPPED = NONCE + KEY + TAG

/**
 * Envelope encryption: a fresh data key seals the value, the master key seals the data key.
 * Layout: version (1 byte), wrapped data key (60), nonce (12), ciphertext, tag (16).
 */
export function seal(master: MasterKey, place: Place, plain: string): Buffer {
  const dataKey = randomBytes(KEY)
  const aad = associatedData(master.id, place)
  return Buffer.concat([
    Buffer.of(VERSION),
    encrypt(master.key, aad, dataKey),
    encrypt(dataKey, aad, Buffer.from(plain, 'utf8')),
  ])
}

/** Opens what `seal` made, under an earlier key too. Throws when key, place or bytes are not the very same. */
export function open(master: MasterKey, place: Place, sealed: Uint8Array): string {
  const bytes = Buffer.from(sealed)
  if (bytes[0] !== VERSION || bytes.length < 1 + WRAPPED + NONCE + TAG)
    throw new Error('The sealed value has an unknown form.')
  let failure: unknown
  for (const { id, key } of [master, ...master.earlier]) {
    try {
      const aad = associatedData(id, place)
      const dataKey = decrypt(key, aad, bytes.subarray(1, 1 + WRAPPED))
      return decrypt(dataKey, aad, bytes.subarray(1 + WRAPPED)).toString('utf8')
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}

function associatedData(keyId: string, place: Place): Buffer {
  return Buffer.from(JSON.stringify([keyId, place.table, place.row, place.column]))
}

function encrypt(key: Buffer, aad: Buffer, plain: Buffer): Buffer {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: Buffer, aad: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE), { authTagLength: TAG })
  decipher.setAAD(aad).setAuthTag(sealed.subarray(sealed.length - TAG))
  return Buffer.concat([decipher.update(sealed.subarray(NONCE, sealed.length - TAG)), decipher.final()])
}
