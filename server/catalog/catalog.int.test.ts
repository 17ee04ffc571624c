import { describe, expect, it } from 'vitest'
import type { CreateCatalogEntry } from '#contracts/catalog.ts'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { appRouter } = await import('#server/trpc/router.ts')
const { seedCatalog } = await import('#server/catalog/seed.ts')
const { SEED_ENTRIES } = await import('#prisma/catalog/entries.ts')
const [admin, other] = await Promise.all([seedUser({ role: 'ADMIN' }), seedUser({ role: 'ADMIN' })])
const caller = appRouter.createCaller(admin.ctx)

type New = Parameters<typeof caller.catalog.create>[0]
const npm = (version: string) => ({
  version,
  source: { type: 'npm' as const, package: 'some-server', version },
  transport: 'stdio' as const,
})
const create = (input: Partial<New> & { slug: string }) =>
  caller.catalog.create({
    title: `Title of ${input.slug}`,
    description: 'Text.',
    release: npm('1.0.0'),
    ...input,
  })
const refused = async (work: Promise<unknown>) => {
  const { code, fields } = await refusalOf(work)
  return { code, fields: Object.keys(fields ?? {}) }
}

describe('an entry', () => {
  it('is made, found by id and slug, and noted in audit and events', async () => {
    const made = await create({ slug: 'made', categories: ['Files'], docsUrl: 'https://example.com/docs' })
    expect(made).toMatchObject({ slug: 'made', origin: 'created', serverCount: 0, iconUrl: null })
    expect(await caller.catalog.get({ slug: 'made' })).toMatchObject({ id: made.id, servers: [] })
    expect(await caller.catalog.get({ id: made.id })).toMatchObject({ slug: 'made' })
    const [audited] = await caller.audit.list({ limit: 1 })
    expect(audited).toMatchObject({ action: 'catalog.create', subjectId: made.id })
    const events = await query<{ audience: string[]; data: unknown }>(
      database.adminUrl,
      "SELECT audience, data FROM events WHERE type = 'catalog.updated' AND subject_id = $1",
      [made.id],
    )
    expect(events).toEqual([{ audience: ['admins'], data: { title: 'Title of made' } }])
  })

  it('of a slug that is taken is refused; one that was deleted is free again', async () => {
    const { id } = await create({ slug: 'taken' })
    expect(await refused(create({ slug: 'taken' }))).toEqual({ code: 'CATALOG_SLUG_TAKEN', fields: ['slug'] })
    await caller.catalog.delete({ id })
    expect(await refused(caller.catalog.get({ id }))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refused(caller.catalog.delete({ id }))).toMatchObject({ code: 'NOT_FOUND' })
    expect((await create({ slug: 'taken' })).id).not.toBe(id)
  })

  it.each<[string, New['release'], string]>([
    [
      'a variable asked for twice',
      { ...npm('1'), variables: [{ name: 'A' }, { name: 'A' }] },
      'release.variables.1.name',
    ],
    [
      'a default that is no choice',
      { ...npm('1'), variables: [{ name: 'A', default: 'c', choices: ['a', 'b'] }] },
      'release.variables.0.default',
    ],
    [
      'a secret with a default',
      { ...npm('1'), variables: [{ name: 'A', default: 'c', secret: true }] },
      'release.variables.0.default',
    ],
    ['a variable of the toolbox', { ...npm('1'), variables: [{ name: 'PATH' }] }, 'release.variables.0.name'],
    ['a header of a package', { ...npm('1'), headers: [{ name: 'X-Key' }] }, 'release.headers'],
    [
      'an entry of another entry',
      { ...npm('1'), source: { type: 'catalog', slug: 'made' } },
      'release.source',
    ],
    ['an endpoint of stdio', { ...npm('1'), http: {} }, 'release.http'],
    [
      'a remote server over stdio',
      { ...npm('1'), source: { type: 'remote', url: 'https://example.com/mcp' } },
      'release.transport',
    ],
    [
      'values of headers',
      {
        version: '1',
        source: { type: 'remote', url: 'https://example.com/mcp', headers: { authorization: 'Bearer x' } },
        transport: 'streamable-http',
      },
      'release.source.headers',
    ],
  ])('with %s is refused, naming the field', async (_name, release, field) => {
    expect(await refused(create({ slug: 'wrong', release }))).toEqual({
      code: 'BAD_REQUEST',
      fields: [field],
    })
  })

  it('has its newest release first, by number and not by text', async () => {
    const { id } = await create({ slug: 'released', release: npm('1.9.0') })
    for (const version of ['1.10.0', '1.10.0-beta.2', '0.1.0'])
      await caller.catalog.update({ id, release: npm(version) })
    const { releases } = await caller.catalog.get({ id })
    expect(releases.map(({ version }) => version)).toEqual(['1.10.0', '1.10.0-beta.2', '1.9.0', '0.1.0'])
  })

  it('is changed in part; a release of a known version is replaced, and the last one stays', async () => {
    const before = await create({ slug: 'changed', publisher: 'One' })
    const after = await caller.catalog.update({
      id: before.id,
      title: 'Another',
      release: { ...npm('1.0.0'), limits: { memoryMb: 128 } },
    })
    expect(after).toMatchObject({ title: 'Another', publisher: 'One', slug: 'changed' })
    expect(after.releases).toMatchObject([{ version: '1.0.0', limits: { memoryMb: 128 } }])
    const remove = (...removeVersions: string[]) => caller.catalog.update({ id: before.id, removeVersions })
    expect(await refused(remove('1.0.0'))).toEqual({ code: 'BAD_REQUEST', fields: ['removeVersions'] })
    expect(await refused(remove('7'))).toEqual({ code: 'BAD_REQUEST', fields: ['removeVersions'] })
    await caller.catalog.update({ id: before.id, release: npm('2.0.0') })
    expect((await remove('1.0.0')).releases.map(({ version }) => version)).toEqual(['2.0.0'])
  })

  it('changed by two admins at once: one wins, the other is told', async () => {
    const { id, updatedAt } = await create({ slug: 'contended' })
    const changes = [admin, other].map(({ ctx }, at) =>
      appRouter.createCaller(ctx).catalog.update({ id, title: `By ${at}`, baseUpdatedAt: updatedAt }),
    )
    const outcomes = changes.map((change) =>
      change.then(
        () => 'won',
        async () => (await refusalOf(change)).code,
      ),
    )
    expect((await Promise.all(outcomes)).toSorted()).toEqual(['CONFLICT', 'won'])
  })
})

describe('the list', () => {
  it('is searched by words anywhere, and filtered by category without losing the others', async () => {
    await create({ slug: 'alpha-files', title: 'Alpha', categories: ['Storage'] })
    await create({ slug: 'beta-files', title: 'Beta', description: 'alpha inside', categories: ['Cloud'] })
    const slugs = async (input: { search?: string; category?: string }) =>
      (await caller.catalog.list(input)).items.map(({ slug }) => slug)
    expect(await slugs({ search: 'ALPHA' })).toEqual(['alpha-files', 'beta-files'])
    expect(await slugs({ search: 'alpha inside' })).toEqual(['beta-files'])
    expect(await slugs({ search: 'files', category: 'storage' })).toEqual(['alpha-files'])
    expect(await slugs({ search: 'nothing like it' })).toEqual([])
    const { categories, cursor } = await caller.catalog.list({ category: 'Storage' })
    expect(cursor).not.toBe('')
    expect(categories).toEqual(expect.arrayContaining([{ name: 'Cloud', count: 1 }]))
  })
})

describe('the entries that come with Toolberth', () => {
  const one = (over: Partial<CreateCatalogEntry> = {}): CreateCatalogEntry[] =>
    SEED_ENTRIES.slice(0, 1).map((entry) => ({ ...entry, slug: 'seeded', ...over }))

  it('are at least twelve, of different slugs, and are there after the first start only once', async () => {
    expect(new Set(SEED_ENTRIES.map(({ slug }) => slug)).size).toBe(SEED_ENTRIES.length)
    expect(SEED_ENTRIES.length).toBeGreaterThanOrEqual(12)
    const [first, second] = await Promise.all([seedCatalog(SEED_ENTRIES), seedCatalog(SEED_ENTRIES)])
    expect([first.added.length, second.added.length].toSorted((a, b) => a - b)).toEqual([
      0,
      SEED_ENTRIES.length,
    ])
    expect([...first.changed, ...second.changed]).toEqual([])
  })

  it('are brought up to date with a new version of Toolberth, and keep their older releases', async () => {
    const [entry] = one()
    if (!entry) throw new Error('no entry')
    expect(await seedCatalog([entry])).toEqual({ added: ['seeded'], changed: [] })
    const newer = { ...entry, title: 'Newer', release: { ...entry.release, version: '9999.1.1' } }
    expect(await seedCatalog([newer])).toEqual({ added: [], changed: ['seeded'] })
    const { title, releases } = await caller.catalog.get({ slug: 'seeded' })
    expect(title).toBe('Newer')
    expect(releases.map(({ version }) => version)).toEqual(['9999.1.1', entry.release.version])
  })

  it('stay as an admin has changed them, and stay away once deleted', async () => {
    const { id } = await caller.catalog.get({ slug: 'seeded' })
    await caller.catalog.update({ id, title: 'Mine' })
    expect(await seedCatalog(one({ title: 'Theirs' }))).toEqual({ added: [], changed: [] })
    expect(await caller.catalog.get({ id })).toMatchObject({ title: 'Mine' })
    await caller.catalog.delete({ id })
    expect(await seedCatalog(one())).toEqual({ added: [], changed: [] })
  })
})
