import { describe, expect, it } from 'vitest'
import { CatalogEntry, CreateCatalogEntry } from '#contracts/catalog.ts'
import { TransferFormat } from '#contracts/catalog-transfer.ts'
import { SEED_ENTRIES } from '#prisma/catalog/entries.ts'
import { writeEntries } from '#server/catalog/export-entries.ts'
import { readConfig } from '#server/catalog/import/read.ts'
import { askedAtOnce } from '#server/catalog/users-bring.ts'

const OTHERS = [
  {
    slug: 'remote-one',
    title: 'Remote One',
    description: 'A remote server.',
    release: {
      version: '1',
      source: { type: 'remote', url: 'https://remote.example.com/mcp' },
      transport: 'streamable-http',
      headers: [
        { name: 'Authorization', required: true, secret: true },
        { name: 'X-Region', default: 'eu' },
      ],
    },
  },
  {
    slug: 'older-remote',
    title: 'Older Remote',
    description: 'A remote server of the older transport.',
    release: {
      version: '1',
      source: { type: 'remote', url: 'https://older.example.com/events' },
      transport: 'sse',
    },
  },
  {
    slug: 'asking-one',
    title: 'Asking One',
    description: 'Asks each of its users.',
    release: {
      version: '1.0.0',
      source: { type: 'npm', package: 'asking' },
      transport: 'stdio',
      userCredentials: [
        { kind: 'env', name: 'TOKEN', description: 'Of your account.' },
        { kind: 'env', name: 'BACKUP_TOKEN', required: false },
      ],
    },
  },
  {
    slug: 'image-one',
    title: 'Image One',
    description: 'An image.',
    release: {
      version: '2.0',
      source: { type: 'image', image: 'ghcr.io/example/image:2.0', args: ['serve', '--all'] },
      transport: 'stdio',
      variables: [
        { name: 'API_TOKEN', required: true, secret: true },
        { name: 'MODE', default: 'fast' },
      ],
      limits: { memoryMb: 256, cpus: 0.5 },
      data: [{ mountPath: '/data' }],
    },
  },
  {
    slug: 'listening-one',
    title: 'Listening One',
    description: 'Listens.',
    categories: ['Web'],
    release: {
      version: '3.0.0',
      source: { type: 'npm', package: 'listening', version: '3.0.0', bin: 'listen' },
      transport: 'streamable-http',
      http: { path: '/x', port: { arg: '--port' } },
    },
  },
].map((entry) => CreateCatalogEntry.parse(entry))

const all = [...SEED_ENTRIES, ...OTHERS]
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
const there = (entries: readonly CreateCatalogEntry[], format: TransferFormat) =>
  writeEntries(entries.map(entryOf), format)

describe('server.json', () => {
  it.each(all)('brings $slug back as it was', (entry) => {
    const { text } = there([entry], 'server-json')
    const { format, drafts } = readConfig(text)
    expect(format).toBe('server-json')
    expect(drafts).toMatchObject([
      { refusal: null, notes: { length: entry.release.transport === 'sse' ? 1 : 0 } },
    ])
    expect(drafts[0]?.entry).toEqual(entry)
  })

  it('brings several back at once', () => {
    const { text } = there(all, 'server-json')
    expect(readConfig(text).drafts.map(({ entry }) => entry)).toEqual(all)
  })
})

/** What every format of clients has a place for. */
function kept(entry: Pick<CreateCatalogEntry, 'release'>) {
  // Clients have one user, who is asked for everything.
  const release = askedAtOnce(entry.release)
  return {
    source: release.source,
    variables: release.variables
      .filter((one) => one.default !== undefined || one.required || one.secret)
      .map(({ name, secret, default: initial }) => ({ name, secret, initial }))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
    headers: release.headers
      .map(({ name, secret, default: initial }) => ({ name, secret, initial }))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  }
}

describe.each(TransferFormat.options.filter((format) => format !== 'server-json'))('%s', (format) => {
  const runnable = all.filter(
    ({ release, slug }) =>
      (release.source.type === 'remote' && (release.transport !== 'sse' || format !== 'codex')) ||
      (release.transport === 'stdio' && slug !== 'filesystem'),
  )
  const back = readConfig(there(all, format).text)

  it('is told apart and brings every server back that clients can start', () => {
    expect(back.format === format || (format === 'claude-desktop' && back.format === 'claude-desktop')).toBe(
      true,
    )
    expect(back.drafts.map(({ key }) => key)).not.toContain('listening-one')
    expect(there(all, format).notes.join()).toContain('listening-one')
  })

  it.each(runnable)('brings $slug back with its source, variables and headers', (entry) => {
    const found = back.drafts.find(({ key }) => key === entry.slug)
    expect(found?.refusal).toBeNull()
    if (!found?.entry) throw new Error('it was refused')
    expect(kept(found.entry)).toEqual(kept(entry))
  })

  it('has no secret to show, and says what has to be filled in', () => {
    const { text } = there(all, format)
    expect(text).toContain('NOTION_TOKEN')
    expect(
      back.drafts.every(({ answers }) => Object.values(answers.env).every(({ secret }) => !secret)),
    ).toBe(true)
  })
})

describe('file names', () => {
  it.each([
    ['server-json', 'server.json'],
    ['claude-desktop', 'claude_desktop_config.json'],
    ['mcp-json', '.mcp.json'],
    ['vscode', 'mcp.json'],
    ['codex', 'config.toml'],
  ] as const)('%s is %s', (format, fileName) => {
    expect(there(all.slice(0, 1), format).fileName).toBe(fileName)
  })
})
