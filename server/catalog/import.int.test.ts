import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { startMcpRegistry } from '#testing/mcp-registry.ts'
import { refusalOf } from '#testing/refusal.ts'
import { seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'

const fixture = (name: string) => readFileSync(new URL(`import/fixtures/${name}`, import.meta.url), 'utf8')
const registry = await startMcpRegistry(
  ['registry-npm.json', 'registry-oci.json', 'registry-remote.json', 'registry-older.json']
    .map((name) => JSON.parse(fixture(name)))
    .concat({
      name: 'org.example/python',
      description: 'Only for Python.',
      version: '1.0.0',
      packages: [{ registryType: 'pypi', identifier: 'x', transport: { type: 'stdio' } }],
    }),
)
afterAll(() => registry.close())
const { database } = await useSeededInstallation({ MCP_REGISTRY_URL: registry.url })
const { appRouter } = await import('#server/trpc/router.ts')
const admin = await seedUser({ role: 'ADMIN' })
const { catalog } = appRouter.createCaller(admin.ctx)

const text = (value: object | string) => ({
  type: 'text' as const,
  text: typeof value === 'string' ? value : JSON.stringify(value),
})
const npx = (...args: string[]) => ({ command: 'npx', args })

describe('an import', () => {
  const config = fixture('claude_desktop_config.json')

  it('is shown first, with what would become of each, and changes nothing', async () => {
    const before = await checksumTables(database.adminUrl)
    const { format, items } = await catalog.import({ from: text(config) })
    expect(format).toBe('claude-desktop')
    expect(Object.fromEntries(items.map(({ key, action }) => [key, action]))).toEqual({
      filesystem: 'create',
      'brave-search': 'create',
      github: 'create',
      linear: 'create',
      fetch: 'refuse',
      mine: 'refuse',
      shell: 'refuse',
    })
    expect(await checksumTables(database.adminUrl)).toEqual(before)
  })

  it('puts what is asked for into the catalog, under the name that is asked for, without secrets', async () => {
    const { items } = await catalog.import({
      from: text(config),
      apply: [
        { key: 'brave-search', usersBring: ['BRAVE_API_KEY'] },
        { key: 'github', slug: 'our-github' },
      ],
    })
    expect(items.map(({ action }) => action)).toEqual(['create', 'create'])
    expect(await catalog.get({ id: items[0]?.entryId ?? '' })).toMatchObject({
      slug: 'brave-search',
      origin: 'imported',
      releases: [
        {
          variables: [{ name: 'BRAVE_MCP_LOG_LEVEL' }],
          userCredentials: [{ kind: 'env', name: 'BRAVE_API_KEY' }],
        },
      ],
    })
    expect(await catalog.get({ slug: 'our-github' })).toMatchObject({ id: items[1]?.entryId })
    const rows = await query(
      database.adminUrl,
      `SELECT 1 FROM catalog_releases WHERE spec::text LIKE '%BSAabc%' UNION ALL
       SELECT 1 FROM audit_entries WHERE detail::text LIKE '%BSAabc%' UNION ALL
       SELECT 1 FROM events WHERE data::text LIKE '%BSAabc%'`,
    )
    expect(rows).toEqual([])
  })

  it('of a server that the catalog has adds or replaces a release, and gives another server another name', async () => {
    await catalog.import({ from: text({ known: npx('known-mcp@1.0.0') }), apply: [{ key: 'known' }] })
    const actionOf = async (...args: string[]) => {
      const [item] = (await catalog.import({ from: text({ known: npx(...args) }) })).items
      return { action: item?.action, slug: item?.entry?.slug }
    }
    expect(await actionOf('known-mcp@1.1.0')).toEqual({ action: 'release', slug: 'known' })
    expect(await actionOf('known-mcp@1.0.0', '--more')).toEqual({ action: 'replace', slug: 'known' })
    expect(await actionOf('other-mcp')).toEqual({ action: 'create', slug: 'known-2' })
    await catalog.import({ from: text({ known: npx('known-mcp@1.1.0') }), apply: [{ key: 'known' }] })
    const { releases } = await catalog.get({ slug: 'known' })
    expect(releases.map(({ version }) => version)).toEqual(['1.1.0', '1.0.0'])
  })

  it.each([
    ['a key that is not there', [{ key: 'nothing' }], 'apply.0.key'],
    ['what its users cannot bring', [{ key: 'brave-search', usersBring: ['PATH'] }], 'apply.0.usersBring'],
    ['a server that cannot be run', [{ key: 'brave-search' }, { key: 'fetch' }], 'apply.1.key'],
  ])('with %s is refused as a whole', async (_name, apply, field) => {
    const before = await checksumTables(database.adminUrl)
    const { code, fields } = await refusalOf(catalog.import({ from: text(config), apply }))
    expect({ code, fields: Object.keys(fields ?? {}) }).toEqual({ code: 'BAD_REQUEST', fields: [field] })
    expect(await checksumTables(database.adminUrl)).toEqual(before)
  })

  it('of what cannot be read names the field', async () => {
    const { code, fields } = await refusalOf(catalog.import({ from: text('nonsense') }))
    expect({ code, fields: Object.keys(fields ?? {}) }).toEqual({
      code: 'IMPORT_UNREADABLE',
      fields: ['from.text'],
    })
  })
})

describe('an export', () => {
  it('gives the newest releases, and can be imported again', async () => {
    const { items } = await catalog.import({
      from: text({ one: npx('one-mcp@1.0.0'), two: { url: 'https://two.example/mcp' } }),
      apply: [{ key: 'one' }, { key: 'two' }],
    })
    const ids = items.flatMap(({ entryId }) => (entryId ? [entryId] : []))
    const file = await catalog.export({ ids: [...ids, ...ids], format: 'mcp-json' })
    expect(file).toMatchObject({ fileName: '.mcp.json', mediaType: 'application/json', notes: [] })
    const again = await catalog.import({ from: text(file.text) })
    expect(again.items.map(({ action }) => action)).toEqual(['replace', 'replace'])
  })

  it('of an entry that is not there is refused', async () => {
    const ids = ['00000000-0000-4000-8000-000000000000']
    const { code, fields } = await refusalOf(catalog.export({ ids, format: 'codex' }))
    expect({ code, fields: Object.keys(fields ?? {}) }).toEqual({ code: 'BAD_REQUEST', fields: ['ids'] })
  })
})

describe('the MCP registry', () => {
  it('is searched, page by page, and what cannot be run says so', async () => {
    const first = await catalog.searchRegistry({ search: 'example' })
    expect(first.registry).toBe(new URL(registry.url).host)
    expect(first.items).toMatchObject([
      { name: 'io.github.example/weather', title: 'Weather', version: '1.4.2', refusal: null },
      { name: 'com.example/tickets', refusal: null },
    ])
    const names: string[] = []
    for (let cursor = first.nextCursor; cursor; ) {
      const page = await catalog.searchRegistry({ search: 'example', cursor })
      names.push(...page.items.map(({ name, refusal }) => (refusal ? `${name}: ${refusal}` : name)))
      cursor = page.nextCursor
    }
    expect(names).toEqual([
      'com.example/analytics',
      'io.github.example/older',
      expect.stringContaining('org.example/python: x is a Python package'),
    ])
    expect(registry.requests[0]).toContain('version=latest')
  })

  it('gives a server, of a version or its latest', async () => {
    const from = { type: 'registry' as const, name: 'io.github.example/weather' }
    const { items } = await catalog.import({ from, apply: [{ key: from.name }] })
    expect(await catalog.get({ id: items[0]?.entryId ?? '' })).toMatchObject({
      slug: 'weather',
      releases: [{ version: '1.4.2' }],
    })
    const { code, fields } = await refusalOf(catalog.import({ from: { ...from, version: '9.9.9' } }))
    expect({ code, fields: Object.keys(fields ?? {}) }).toEqual({
      code: 'BAD_REQUEST',
      fields: ['from.name'],
    })
  })

  it.each([
    ['an error', { status: 503, text: '{}' }, 'it answered 503'],
    ['no JSON', { status: 200, text: '<html>' }, 'not JSON'],
    ['another shape', { status: 200, text: '{"servers": 7}' }, 'servers'],
    ['too much', { status: 200, text: 'x'.repeat(5 * 1024 * 1024) }, 'larger than'],
  ])('that answers with %s is said to be out of reach', async (_name, answer, words) => {
    registry.answerWith(answer)
    const { code, detail } = await refusalOf(catalog.searchRegistry({}))
    registry.answerWith(null)
    expect({ code, detail }).toEqual({ code: 'REGISTRY_UNREACHABLE', detail: expect.stringContaining(words) })
  })

  it('that is not there is said to be out of reach, by its address', async () => {
    await registry.close()
    const { code, detail } = await refusalOf(catalog.searchRegistry({}))
    expect({ code, detail }).toEqual({
      code: 'REGISTRY_UNREACHABLE',
      detail: `${new URL(registry.url).host}: nothing listens there.`,
    })
  })
})
