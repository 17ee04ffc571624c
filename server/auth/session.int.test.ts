import { encode } from 'next-auth/jwt'
import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { PASSWORD, seedUser, type TestUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation({ PUBLIC_URL: 'http://toolberth.test:3000' })
const { actorOfApiKey, actorOfSession } = await import('#server/auth/session.ts')
const { resolveActor } = await import('#server/auth/resolve-actor.ts')
const { sessionSecret } = await import('#server/auth/auth-options.ts')
const { createApiKey, listApiKeys, revokeApiKey } = await import('#server/api-keys/create.ts')
const { changePassword, updateUser } = await import('#server/users/update.ts')
const admin = await seedUser({ role: 'ADMIN' })

const alive = async (user: TestUser, version = 1) => (await actorOfSession(user.id, version)) !== null

describe('a session', () => {
  it('is of its user', async () => {
    const user = await seedUser()
    expect(await actorOfSession(user.id, 1)).toEqual({ kind: 'user', userId: user.id, email: user.email })
    expect(await actorOfSession(admin.id, 1)).toMatchObject({ kind: 'admin' })
  })

  it.each([
    [
      'a changed password',
      (user: TestUser) =>
        changePassword({ ctx: user.ctx, input: { current: PASSWORD, next: 'another long password' } }),
    ],
    [
      'a password that an admin set',
      (user: TestUser) =>
        updateUser({ ctx: admin.ctx, input: { id: user.id, password: 'another long password' } }),
    ],
    [
      'being disabled',
      (user: TestUser) => updateUser({ ctx: admin.ctx, input: { id: user.id, disabled: true } }),
    ],
    [
      'another role',
      (user: TestUser) => updateUser({ ctx: admin.ctx, input: { id: user.id, role: 'ADMIN' } }),
    ],
  ])('is ended by %s', async (_name, change) => {
    const user = await seedUser()
    expect(await alive(user)).toBe(true)
    await change(user)
    expect(await alive(user)).toBe(false)
  })

  it('that was ended does not come back when the user is enabled again', async () => {
    const user = await seedUser()
    await updateUser({ ctx: admin.ctx, input: { id: user.id, disabled: true } })
    await updateUser({ ctx: admin.ctx, input: { id: user.id, disabled: false } })
    expect(await alive(user)).toBe(false)
    expect(await alive(user, 2)).toBe(true)
  })

  it('outlives another name, and a password that was not changed', async () => {
    const user = await seedUser()
    await updateUser({ ctx: admin.ctx, input: { id: user.id, name: 'New', role: 'USER', disabled: false } })
    const change = changePassword({
      ctx: user.ctx,
      input: { current: 'wrong', next: 'another long password' },
    })
    expect(await refusalOf(change)).toMatchObject({
      code: 'BAD_REQUEST',
      fields: { current: [expect.any(String)] },
    })
    expect(await alive(user)).toBe(true)
  })

  it('that was stolen does not serve to guess the password', async () => {
    const user = await seedUser()
    const guess = (current: string) =>
      changePassword({ ctx: user.ctx, input: { current, next: 'another long password' } })
    for (let made = 0; made < 5; made++)
      expect(await refusalOf(guess('wrong'))).toMatchObject({ code: 'BAD_REQUEST' })
    expect(await refusalOf(guess(PASSWORD))).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' })
    expect(await alive(user)).toBe(true)
  })

  it('of the last admin cannot be ended by taking the role or the access away, not by two at once either', async () => {
    const other = await seedUser({ role: 'ADMIN' })
    await query(database.adminUrl, `UPDATE users SET role = 'USER' WHERE id NOT IN ($1, $2)`, [
      admin.id,
      other.id,
    ])
    const both = await Promise.allSettled([
      updateUser({ ctx: admin.ctx, input: { id: other.id, role: 'USER' } }),
      updateUser({ ctx: other.ctx, input: { id: admin.id, disabled: true } }),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const [row] = await query<{ n: number }>(
      database.adminUrl,
      `SELECT count(*)::int AS n FROM users WHERE role = 'ADMIN' AND disabled_at IS NULL`,
    )
    expect(row?.n).toBeGreaterThan(0)
    await query(
      database.adminUrl,
      `UPDATE users SET role = 'ADMIN', disabled_at = NULL, session_version = 1 WHERE id = $1`,
      [admin.id],
    )
  })
})

describe('an API key', () => {
  const keyFor = (user: TestUser, expiresInDays: number | null = 90) =>
    createApiKey({ ctx: user.ctx, input: { name: 'script', expiresInDays } })

  it('is its user, is kept only as a hash, and notes its use once a minute', async () => {
    const user = await seedUser()
    const { id, key, prefix } = await keyFor(user)
    expect(key.startsWith(prefix)).toBe(true)
    const rows = await query<{ row: string }>(database.adminUrl, 'SELECT t::text AS row FROM api_keys t')
    expect(rows.map(({ row }) => row).join()).not.toContain(key.slice(12))
    expect(await actorOfApiKey(key)).toEqual({ kind: 'user', userId: user.id, email: user.email, keyId: id })
    const used = async () => (await listApiKeys({ ctx: user.ctx })).find((one) => one.id === id)?.lastUsedAt
    const first = await used()
    expect(first).toEqual(expect.any(String))
    await actorOfApiKey(key)
    expect(await used()).toBe(first)
    await query(database.adminUrl, `UPDATE api_keys SET last_used_at = now() - interval '61 seconds'`)
    await actorOfApiKey(key)
    expect(Date.parse((await used()) ?? '')).toBeGreaterThanOrEqual(Date.parse(first ?? ''))
  })

  it('ends when it is revoked, expired, or its user disabled', async () => {
    const user = await seedUser()
    const [revoked, expired, disabled] = await Promise.all([keyFor(user), keyFor(user), keyFor(user, null)])
    await revokeApiKey({ ctx: user.ctx, input: { id: revoked.id } })
    expect(await actorOfApiKey(revoked.key)).toBeNull()
    await query(database.adminUrl, `UPDATE api_keys SET expires_at = now() WHERE id = $1`, [expired.id])
    expect(await actorOfApiKey(expired.key)).toBeNull()
    expect(await actorOfApiKey(disabled.key)).not.toBeNull()
    await updateUser({ ctx: admin.ctx, input: { id: user.id, disabled: true } })
    expect(await actorOfApiKey(disabled.key)).toBeNull()
  })

  it('can be revoked twice, and by nobody else', async () => {
    const [user, other] = await Promise.all([seedUser(), seedUser()])
    const { id, key } = await keyFor(user)
    expect(await refusalOf(revokeApiKey({ ctx: other.ctx, input: { id } }))).toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await refusalOf(revokeApiKey({ ctx: admin.ctx, input: { id } }))).toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await actorOfApiKey(key)).not.toBeNull()
    const once = await revokeApiKey({ ctx: user.ctx, input: { id } })
    expect(await revokeApiKey({ ctx: user.ctx, input: { id } })).toEqual(once)
  })
})

describe('a request', () => {
  const cookieFor = async (token: Record<string, unknown>, secret = sessionSecret(), maxAge = 60) =>
    `next-auth.session-token=${await encode({ token, secret, maxAge })}`
  const from = (headers: Record<string, string>, method = 'POST') =>
    resolveActor(
      new Request('http://127.0.0.1:3000/api/trpc/x', {
        method,
        headers: { host: '127.0.0.1:3000', ...headers },
      }),
    )

  it('with a session cookie is of its user', async () => {
    const cookie = await cookieFor({ sub: admin.id, sessionVersion: 1 })
    expect(await from({ cookie })).toMatchObject({ kind: 'admin', userId: admin.id })
  })

  it('with a cookie of another secret, an old one, or an ended session is of nobody', async () => {
    const token = { sub: admin.id, sessionVersion: 1 }
    expect(await from({ cookie: await cookieFor(token, 'another secret') })).toEqual({ kind: 'nobody' })
    expect(await from({ cookie: await cookieFor(token, sessionSecret(), -60) })).toEqual({ kind: 'nobody' })
    expect(await from({ cookie: await cookieFor({ ...token, sessionVersion: 7 }) })).toEqual({
      kind: 'nobody',
    })
    expect(await from({})).toEqual({ kind: 'nobody' })
  })

  it('with a cookie is refused when another site’s page sent it', async () => {
    const cookie = await cookieFor({ sub: admin.id, sessionVersion: 1 })
    for (const origin of [
      'https://evil.test',
      'null',
      'http://127.0.0.1:3001',
      'http://127.0.0.1:3000.evil.test',
    ])
      expect(await refusalOf(from({ cookie, origin })), origin).toMatchObject({ code: 'FORBIDDEN' })
    for (const origin of ['http://127.0.0.1:3000', 'http://toolberth.test:3000'])
      expect(await from({ cookie, origin }), origin).toMatchObject({ kind: 'admin' })
    expect(await from({ cookie, origin: 'https://evil.test' }, 'GET')).toMatchObject({ kind: 'admin' })
  })

  it('with an API key needs no origin, and a bad key is not made good by a cookie', async () => {
    const cookie = await cookieFor({ sub: admin.id, sessionVersion: 1 })
    const { key } = await createApiKey({ ctx: admin.ctx, input: { name: 'k', expiresInDays: 1 } })
    expect(await from({ authorization: `Bearer ${key}`, origin: 'https://evil.test' })).toMatchObject({
      kind: 'admin',
    })
    const bad = from({ cookie, authorization: 'Bearer tbk_bad' })
    expect(await refusalOf(bad)).toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})
