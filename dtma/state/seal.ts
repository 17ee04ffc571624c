import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { readFileIfThere, writeFileAtomic } from './atomic-file.ts'

/** AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D); `context` is bound to the text and must be the same on opening. */
export type Seal = {
  close(plain: string, context: string): string
  /** Throws when the text was changed, belongs to another context, or the key is another one. */
  open(sealed: string, context: string): string
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

export function createSeal(key: Buffer): Seal {
  return {
    close(plain, context) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64')
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64')
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(context)).setAuthTag(tag)
      const text = bytes.subarray(NONCE_BYTES + TAG_BYTES)
      return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8')
    },
  }
}

/** The seal of this home; its key (0600) is made on first use. */
export async function openSeal(stateFolder: string): Promise<Seal> {
  const path = join(stateFolder, 'state.key')
  let text = await readFileIfThere(path)
  if (text === null) {
    text = randomBytes(32).toString('base64')
    await writeFileAtomic(path, text)
  }
  const key = Buffer.from(text, 'base64')
  if (key.length !== 32) throw new Error(`${path} is damaged: it does not hold 32 bytes.`)
  return createSeal(key)
}
