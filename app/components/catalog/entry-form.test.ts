import { describe, expect, it } from 'vitest'
import {
  boxOf,
  EMPTY_ASKED,
  EMPTY_ENTRY,
  type EntryValues,
  entryResolver,
  toEntry,
  valuesOfEntry,
} from '#app/components/catalog/entry-form.ts'
import { CatalogEntry, CreateCatalogEntry } from '#contracts/catalog.ts'
import { SEED_ENTRIES } from '#prisma/catalog/entries.ts'

const REMOTE = CreateCatalogEntry.parse({
  slug: 'remote-one',
  title: 'Remote',
  description: '',
  release: {
    version: '1',
    source: { type: 'remote', url: 'https://remote.example/mcp' },
    transport: 'streamable-http',
    headers: [{ name: 'Authorization', required: true, secret: true }],
  },
})
const OLDER = CreateCatalogEntry.parse({
  ...REMOTE,
  slug: 'older-one',
  release: {
    ...REMOTE.release,
    source: { type: 'remote', url: 'https://remote.example/sse' },
    transport: 'sse',
  },
})
const LISTENING = CreateCatalogEntry.parse({
  slug: 'listening',
  title: 'Listening',
  description: '',
  release: {
    version: '1',
    source: { type: 'image', image: 'a/b:1', args: ['x', 'y'] },
    transport: 'streamable-http',
    http: { path: '/x', port: { fixed: 8080 } },
    limits: { cpus: 0.5 },
    data: [{ mountPath: '/data' }],
  },
})

const entryOf = ({ release, ...fields }: CreateCatalogEntry): CatalogEntry =>
  CatalogEntry.parse({
    ...fields,
    id: '00000000-0000-4000-8000-000000000001',
    origin: 'seed',
    releases: [release],
    serverCount: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
  })
const errorsOf = async (values: Partial<EntryValues>) => {
  const { errors } = await entryResolver({ ...EMPTY_ENTRY, ...values }, undefined, {
    fields: {},
    shouldUseNativeValidation: false,
  })
  return errors
}
const FILLED = { slug: 'filled', title: 'Filled', package: 'filled', version: '1.0.0' }

describe('the form of an entry', () => {
  it.each([...SEED_ENTRIES, REMOTE, OLDER, LISTENING])('leaves $slug as it was', (entry) => {
    const values = valuesOfEntry(entryOf(entry), entry.release)
    expect(CreateCatalogEntry.parse(toEntry(values))).toEqual(entry)
  })

  it('is fine with no more than what is needed', async () => {
    expect(await errorsOf(FILLED)).toEqual({})
  })

  it('says at each box what is wrong with it', async () => {
    const errors = await errorsOf({
      ...FILLED,
      slug: 'No Slug',
      package: '',
      packageVersion: 'x y',
      iconUrl: 'http://example.com/plain.png',
      memoryMb: 'much',
      cpus: '0',
      data: 'data',
      transport: 'streamable-http',
      httpPath: 'x',
      httpPortBy: 'fixed',
      httpPort: '80',
      variables: [
        { ...EMPTY_ASKED, name: '1A' },
        { ...EMPTY_ASKED, name: 'KEY', secret: true, default: 'x' },
      ],
      arguments: [{ ...EMPTY_ASKED, name: '-x' }],
    })
    expect(Object.keys(errors).toSorted()).toEqual([
      'arguments',
      'cpus',
      'data',
      'httpPath',
      'httpPort',
      'iconUrl',
      'memoryMb',
      'package',
      'packageVersion',
      'slug',
      'variables',
    ])
    expect(errors.variables).toMatchObject({
      0: { name: { message: expect.stringContaining('letters') } },
      1: { default: { message: 'A secret has no default.' } },
    })
    expect(errors.arguments).toMatchObject({ 0: { name: { message: expect.any(String) } } })
  })

  it('sends of a remote server what a remote server has', () => {
    const row = { ...EMPTY_ASKED, name: 'X' }
    const values: EntryValues = {
      ...EMPTY_ENTRY,
      ...FILLED,
      sourceType: 'remote',
      url: 'https://remote.example/mcp',
      variables: [row],
      arguments: [row],
      headers: [row],
      memoryMb: '64',
    }
    expect(toEntry(values)).toMatchObject({
      release: {
        transport: 'streamable-http',
        variables: [],
        arguments: [],
        headers: [{ name: 'X' }],
        limits: {},
      },
    })
  })
})

describe('what the server says of a field', () => {
  it.each([
    ['slug', 'slug'],
    ['release.variables.1.name', 'variables.1.name'],
    ['release.arguments.0.key', 'arguments.0.name'],
    ['release.variables.0.choices.2', 'variables.0.choices'],
    ['release.http', null],
    ['release.http.port.env', 'httpPort'],
    ['release.source.package', 'package'],
    ['release.data.0.mountPath', 'data'],
    ['release.transport', 'transport'],
    ['release.version', 'version'],
    ['categories.0', 'categories'],
    ['release.userCredentials.1.kind', 'userCredentials.1.name'],
    ['release.userCredentials.0.description', 'userCredentials.0.description'],
  ])('%s stands at %s', (field, box) => expect(boxOf(field)).toBe(box))
})
