import { describe, expect, it } from 'vitest'
import { hashPassword, verifyPassword } from '#server/auth/passwords.ts'

const stored = await hashPassword('correct horse battery')

describe('hashPassword', () => {
  it('answers a PHC string of argon2id with 19 MiB, 2 passes and a salt of its own', async () => {
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(await hashPassword('correct horse battery')).not.toBe(stored)
  })
})

describe('verifyPassword', () => {
  it('knows the right one from any other', async () => {
    expect(await verifyPassword(stored, 'correct horse battery')).toBe(true)
    for (const wrong of ['', 'correct horse batter', 'correct horse battery ', 'Correct horse battery'])
      expect(await verifyPassword(stored, wrong)).toBe(false)
  })

  it('takes the same characters typed in another way for the same', async () => {
    const composed = await hashPassword('passw\u00f6rd of mine')
    expect(await verifyPassword(composed, 'passwo\u0308rd of mine')).toBe(true)
  })

  it('verifies what was hashed with other costs', async () => {
    // RFC 9106's reference implementation: argon2 somesalt -id -t 2 -m 16 -p 1 -l 32, for "password".
    const phc = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    expect(await verifyPassword(phc, 'password')).toBe(true)
    expect(await verifyPassword(phc, 'Password')).toBe(false)
  })

  it.each(['', 'plain', '$2b$10$abcdefghijklmnopqrstuv', stored.slice(0, -1).replace('argon2id', 'argon2i')])(
    'takes nothing for a stored %j',
    async (other) => expect(await verifyPassword(other, 'plain')).toBe(false),
  )
})
