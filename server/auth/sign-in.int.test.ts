import { Redis } from 'ioredis'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { PASSWORD, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database, redis } = await useSeededInstallation()
const { signIn } = await import('#server/auth/sign-in.ts')
const alice = await seedUser({ email: 'Alice@example.test' })

const client = new Redis(redis.url)
client.on('error', () => {
  // One test takes Redis away.
})
afterAll(() => client.disconnect())
beforeEach(() => redis.flush())

let clients = 0
const attempt = (email: unknown, password: unknown, from = `client-${++clients}`) =>
  signIn({ email, password }, from)
const WRONG = { code: 'CREDENTIALS_INVALID', fields: undefined, detail: undefined }

describe('signing in', () => {
  it('answers the user for the right password, whatever the case of the address', async () => {
    for (const email of ['Alice@example.test', 'alice@EXAMPLE.test', '  alice@example.test '])
      expect(await attempt(email, PASSWORD)).toEqual({
        id: alice.id,
        email: 'Alice@example.test',
        name: null,
        role: 'USER',
        sessionVersion: 1,
      })
  })

  it('says the same of a wrong password, an unknown address and a disabled user', async () => {
    const disabled = await seedUser()
    await query(database.adminUrl, 'UPDATE users SET disabled_at = now() WHERE id = $1', [disabled.id])
    expect(await refusalOf(attempt(alice.email, 'wrong'))).toEqual(WRONG)
    expect(await refusalOf(attempt('nobody@example.test', PASSWORD))).toEqual(WRONG)
    expect(await refusalOf(attempt(disabled.email, PASSWORD))).toEqual(WRONG)
  })

  it.each([
    ['no address', undefined, 'x'],
    ['no password', 'alice@example.test', undefined],
    ['a number', 1, 2],
    ['a null character', 'a\0@example.test', PASSWORD],
    ['half a character', 'a\ud800@example.test', PASSWORD],
    ['a huge password', 'alice@example.test', 'x'.repeat(100_000)],
    ['SQL', "' OR 1=1 --", "' OR 1=1 --"],
    ['a pattern', '%', PASSWORD],
  ])('says the same of %s', async (_name, email, password) => {
    expect(await refusalOf(attempt(email, password))).toEqual(WRONG)
  })
})

describe('too many attempts', () => {
  it('for one address are refused, from wherever they come, and the right password too', async () => {
    for (let n = 0; n < 5; n++) expect(await refusalOf(attempt(alice.email, 'wrong'))).toEqual(WRONG)
    expect(await refusalOf(attempt(alice.email, PASSWORD))).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' })
    expect(await refusalOf(attempt('ALICE@example.test', 'wrong'))).toMatchObject({
      code: 'TOO_MANY_ATTEMPTS',
    })
    const other = await seedUser()
    expect(await attempt(other.email, PASSWORD)).toMatchObject({ id: other.id })
  })

  it('for an address that does not exist are refused just so', async () => {
    for (let n = 0; n < 5; n++) expect(await refusalOf(attempt('nobody@example.test', 'x'))).toEqual(WRONG)
    expect(await refusalOf(attempt('nobody@example.test', 'x'))).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' })
  })

  it('from one client are refused, whichever addresses it tries', async () => {
    for (let n = 0; n < 20; n++)
      expect(await refusalOf(attempt(`user-${n}@example.test`, 'x', 'one'))).toEqual(WRONG)
    expect(await refusalOf(attempt(alice.email, PASSWORD, 'one'))).toMatchObject({
      code: 'TOO_MANY_ATTEMPTS',
    })
    expect(await attempt(alice.email, PASSWORD, 'two')).toMatchObject({ id: alice.id })
  })

  it('count when they are made at the same time', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, () => refusalOf(attempt(alice.email, 'wrong', 'burst'))),
    )
    const codes = outcomes.map(({ code }) => code)
    expect(codes.filter((code) => code === 'CREDENTIALS_INVALID')).toHaveLength(5)
    expect(codes.filter((code) => code === 'TOO_MANY_ATTEMPTS')).toHaveLength(7)
  })

  it('say when it is worth trying again, and end by themselves', async () => {
    for (let n = 0; n < 5; n++) await refusalOf(attempt(alice.email, 'wrong'))
    const { AppError } = await import('#server/errors.ts')
    const error: unknown = await attempt(alice.email, PASSWORD).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AppError)
    const { retryAfter } = error as InstanceType<typeof AppError>
    expect(retryAfter).toBeGreaterThan(800)
    expect(retryAfter).toBeLessThanOrEqual(900)
    for (const key of await client.keys('*sign-in*')) expect(await client.ttl(key)).toBeGreaterThan(0)
  })

  it('are forgotten after a right password, and right passwords never count', async () => {
    for (let n = 0; n < 4; n++) await refusalOf(attempt(alice.email, 'wrong', 'office'))
    for (let n = 0; n < 30; n++)
      expect(await attempt(alice.email, PASSWORD, 'office')).toMatchObject({ id: alice.id })
    for (let n = 0; n < 4; n++)
      expect(await refusalOf(attempt(alice.email, 'wrong', 'office'))).toEqual(WRONG)
  })

  it('cannot be tried for while Redis is away', async () => {
    await redis.stop()
    await expect(attempt(alice.email, PASSWORD)).rejects.toThrow(/Redis|connection|retries/i)
    await redis.start()
    await expect.poll(() => attempt(alice.email, PASSWORD).catch(() => null)).not.toBeNull()
  })

  it('keep no address or client in clear in Redis', async () => {
    await refusalOf(attempt('someone@example.test', 'x', '203.0.113.7'))
    const keys = (await client.keys('*')).join()
    expect(keys).toContain('sign-in')
    expect(keys).not.toMatch(/someone|203\.0/)
  })
})
