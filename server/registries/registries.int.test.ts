import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { asSystem, seedServer, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { countRows } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { appRouter } = await import('#server/trpc/router.ts')
const { loadInstanceSpec } = await import('#server/deployments/spec.ts')
const { credentialsFor } = await import('#server/registries/credentials.ts')

const admin = await seedUser({ role: 'ADMIN' })
const caller = appRouter.createCaller(admin.ctx)
const toolbox = await seedToolbox()
const PASSWORD = 'a-very-secret-token'
const credentials = (host: string, password = PASSWORD) => ({ host, username: 'robot', password })

/** The spec of a server that runs this image, as its agent gets it. */
async function specOf(image: string) {
  const server = await seedServer(toolbox.id)
  await query(
    database.adminUrl,
    `UPDATE revisions SET spec = jsonb_set(spec, '{source}', $2) WHERE id = $1`,
    [server.revisionId, JSON.stringify({ type: 'image', image })],
  )
  return asSystem((db) => loadInstanceSpec(db, server.revisionId))
}

describe('the credentials of a registry', () => {
  it('go to the agent with images of that registry alone', async () => {
    await caller.registries.set(credentials('Registry.Example.test:5000'))
    expect((await specOf('registry.example.test:5000/team/server:1')).source).toEqual({
      type: 'image',
      image: 'registry.example.test:5000/team/server:1',
      args: [],
      credentials: { username: 'robot', password: PASSWORD },
    })
    for (const image of ['registry.example.test/team/server:1', 'team/server', 'nginx'])
      expect((await specOf(image)).source).not.toHaveProperty('credentials')
  })

  it('of Docker Hub are for images that name no registry, under any of its names', async () => {
    await caller.registries.set(credentials('index.docker.io'))
    for (const image of ['team/private', 'docker.io/team/private:2'])
      expect((await specOf(image)).source).toHaveProperty('credentials.password', PASSWORD)
  })

  it('are encrypted, and in no answer, event or audit entry', async () => {
    const answer = await caller.registries.set(credentials('ghcr.io'))
    const listed = await caller.registries.list()
    expect(listed.items.find(({ host }) => host === 'ghcr.io')).toEqual(answer)
    expect(JSON.stringify([answer, listed])).not.toContain(PASSWORD)
    for (const table of ['registry_credentials', 'events', 'audit_entries', 'outbox']) {
      const rows = await query<{ row: string }>(database.adminUrl, `SELECT t::text AS row FROM ${table} t`)
      const all = rows.map(({ row }) => row).join()
      expect(all).not.toContain(PASSWORD)
      expect(all).not.toContain(Buffer.from(PASSWORD).toString('hex'))
    }
  })

  it('cannot be moved to another registry by who only reaches the database', async () => {
    await caller.registries.set(credentials('one.example.test'))
    await caller.registries.set(credentials('two.example.test', 'another-token'))
    await query(
      database.adminUrl,
      `UPDATE registry_credentials SET password = (SELECT password FROM registry_credentials WHERE host = 'one.example.test')
       WHERE host = 'two.example.test'`,
    )
    await expect(asSystem((db) => credentialsFor(db, 'two.example.test/x'))).rejects.toThrow(
      'unable to authenticate',
    )
  })

  it('are replaced, also by two admins at once, and audited each time', async () => {
    const passwords = ['first', 'second', 'third', 'fourth']
    const answers = await Promise.all(
      passwords.map((password) => caller.registries.set(credentials('busy.example.test', password))),
    )
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
    const kept = await asSystem((db) => credentialsFor(db, 'busy.example.test/x'))
    expect(passwords).toContain(kept?.password)
    const audited = await query<{ action: string }>(
      database.adminUrl,
      `SELECT action FROM audit_entries WHERE detail->>'host' = 'busy.example.test' ORDER BY id`,
    )
    expect(audited.map(({ action }) => action).toSorted()).toEqual([
      'registry.create',
      ...Array.from({ length: 3 }, () => 'registry.update'),
    ])
  })

  it('are removed once, after which images are pulled without', async () => {
    const { id } = await caller.registries.set(credentials('gone.example.test'))
    expect(await caller.registries.delete({ id })).toEqual({ id })
    expect((await specOf('gone.example.test/x')).source).not.toHaveProperty('credentials')
    expect(await refusalOf(caller.registries.delete({ id }))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refusalOf(caller.registries.delete({ id: randomUUID() }))).toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  it('count the servers that need them', async () => {
    await caller.registries.set(credentials('counted.example.test'))
    await specOf('counted.example.test/a')
    await specOf('counted.example.test/b')
    const { items } = await caller.registries.list()
    expect(items.find(({ host }) => host === 'counted.example.test')?.serverCount).toBe(2)
  })

  it.each([
    [{ host: 'https://ghcr.io' }, 'host'],
    [{ host: 'ghcr.io/owner' }, 'host'],
    [{ username: ' ' }, 'username'],
    [{ password: '' }, 'password'],
    [{ password: 'nul\0' }, 'password'],
  ])('are refused with %j, without a trace', async (wrong, field) => {
    const before = await countRows(database.adminUrl)
    const refusal = await refusalOf(caller.registries.set({ ...credentials('fine.example.test'), ...wrong }))
    expect({ code: refusal.code, fields: Object.keys(refusal.fields ?? {}) }).toEqual({
      code: 'BAD_REQUEST',
      fields: [field],
    })
    expect(await countRows(database.adminUrl)).toEqual(before)
  })
})
