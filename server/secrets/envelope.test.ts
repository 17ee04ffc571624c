import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { open, seal } from '#server/secrets/envelope.ts'
import { toMasterKey } from '#server/secrets/keyring.ts'

const key = toMasterKey(randomBytes(32))
const place = { table: 'revision_env', row: 'a/b', column: 'ciphertext' }
const sealed = seal(key, place, 'secret')

describe('a sealed value', () => {
  it.each(['', 'secret', 'ünïcode 🔑', 'x'.repeat(100_000)])('opens to what it was: %.10s', (plain) => {
    expect(open(key, place, seal(key, place, plain))).toBe(plain)
  })

  it('is another each time, and shows nothing', () => {
    expect(seal(key, place, 'secret').equals(sealed)).toBe(false)
    expect(sealed.includes('secret')).toBe(false)
  })

  it.each([
    { ...place, table: 'control_identities' },
    { ...place, row: 'a/c' },
    { ...place, column: 'private_key' },
  ])('does not open as %j', (other) => {
    expect(() => open(key, other, sealed)).toThrow('authenticate')
  })

  it('does not open with another key, nor with the same under another name', () => {
    expect(() => open(toMasterKey(randomBytes(32)), place, sealed)).toThrow('authenticate')
    expect(() => open({ ...key, id: 'other' }, place, sealed)).toThrow('authenticate')
  })

  it('does not open with any byte changed', () => {
    for (const at of sealed.keys()) {
      const tampered = Buffer.from(sealed)
      tampered[at] = (tampered[at] ?? 0) ^ 1
      expect(() => open(key, place, tampered), `byte ${at}`).toThrow(
        at === 0 ? 'unknown form' : 'authenticate',
      )
    }
  })

  it('does not open when it is cut or longer', () => {
    for (let length = 0; length < sealed.length; length++)
      expect(() => open(key, place, sealed.subarray(0, length)), `${length} bytes`).toThrow(
        /unknown form|authenticate/,
      )
    expect(() => open(key, place, Buffer.concat([sealed, Buffer.of(0)]))).toThrow('authenticate')
  })

  it('does not open with halves of two', () => {
    const other = seal(key, place, 'secret')
    const mixed = Buffer.concat([sealed.subarray(0, 61), other.subarray(61)])
    expect(() => open(key, place, mixed)).toThrow('authenticate')
  })
})
