import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '#contracts/connection-settings.ts'
import type { GatewayConnection, GatewayRights } from '#contracts/gateway.ts'
import { serverFacts } from '#testing/gateway.ts'
import { buildToolCatalogue } from './catalogue.ts'

const inputSchema = { type: 'object' as const }

function connection(slug: string, names: string[], prefixTools = true): GatewayConnection {
  const tools = names.map((name) => ({ name, inputSchema }))
  return {
    ...serverFacts(tools),
    id: `id-${slug}`,
    slug,
    prefixTools,
    serverId: 'server',
    serverName: slug,
    serverState: 'running',
    instanceId: 'instance',
    toolbox: null,
    tools,
  }
}

const agent = (...connections: GatewayConnection[]): GatewayRights => ({
  agentId: 'agent',
  userId: 'user',
  agentName: 'a',
  callsPerMinute: null,
  maxConcurrent: null,
  via: null,
  expiresAt: null,
  connections,
})

type Page = { tools: { name: string }[]; nextCursor?: string }
const pageOf = (text: string | null): Page => JSON.parse(`{${text ?? '"tools":[]'}}`) as Page
const names = (page: Page) => page.tools.map(({ name }) => name)

describe('buildToolCatalogue', () => {
  it('prefixes names unless the connection says otherwise, in the order given', () => {
    const catalogue = buildToolCatalogue(
      agent(connection('web', ['z', 'a']), connection('own', ['q'], false)),
    )
    expect(names(pageOf(catalogue.page(undefined)))).toEqual(['web__z', 'web__a', 'q'])
    expect(catalogue.find('web__a')).toMatchObject({ original: 'a', connection: { slug: 'web' } })
    expect(catalogue.find('a')).toBeUndefined()
  })

  it('gives a name to the older connection', () => {
    const older = connection('older', ['search', 'x'], false)
    const newer = connection('newer', ['search', 'y'], false)
    const catalogue = buildToolCatalogue(agent(older, newer))
    expect(names(pageOf(catalogue.page(undefined)))).toEqual(['search', 'x', 'y'])
    expect(catalogue.find('search')?.connection.slug).toBe('older')
  })

  it('keeps every field of a definition and changes the name alone', () => {
    const tool = { name: 't', inputSchema, title: 'T', annotations: { readOnlyHint: true }, 'x-own': [1] }
    const catalogue = buildToolCatalogue(agent({ ...connection('s', ['t']), tools: [tool] }))
    expect(pageOf(catalogue.page(undefined)).tools).toEqual([{ ...tool, name: 's__t' }])
  })

  it('pages through everything once, with cursors of this list alone', () => {
    const all = Array.from({ length: 7 }, (_, index) => `t${index}`)
    const catalogue = buildToolCatalogue(agent(connection('s', all)), 3)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = pageOf(catalogue.page(cursor))
      seen.push(...names(page))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(seen).toEqual(all.map((name) => `s__${name}`))

    const first = pageOf(catalogue.page(undefined)).nextCursor
    const changed = buildToolCatalogue(agent(connection('s', [...all, 'more'])), 3)
    expect(changed.digest).not.toBe(catalogue.digest)
    expect(changed.page(first)).toBeNull()
    const forged = Buffer.from(`${catalogue.digest}:999`).toString('base64url')
    for (const bogus of ['', 'x', forged, 'A'.repeat(1000)]) expect(catalogue.page(bogus)).toBeNull()
  })

  it('is empty for an agent without connections', () => {
    expect(buildToolCatalogue(agent()).page(undefined)).toBe('"tools":[]')
  })
})

describe('tools that are not as they were approved', () => {
  const pinned = (change: Partial<GatewayConnection>) => {
    const catalogue = buildToolCatalogue(agent({ ...connection('s', ['a', 'b']), ...change }))
    return { catalogue, names: names(pageOf(catalogue.page(undefined))) }
  }
  const pin = { hash: 'one', enabled: true, alias: null }
  const hashes = { a: 'one', b: 'two' }
  const warn = { ...DEFAULT_SETTINGS, pinPolicy: 'warn' as const }

  it('are neither listed nor found, new ones and changed ones', () => {
    const { catalogue, names } = pinned({ hashes, pins: [{ ...pin, name: 'b' }] })
    expect(names).toEqual([])
    expect(catalogue.find('s__a')).toBeUndefined()
    expect(catalogue.find('s__b')).toBeUndefined()
  })

  it('are there where their owner only wants to be warned', () => {
    const { names } = pinned({ hashes, pins: [{ ...pin, name: 'b' }], settings: warn })
    expect(names).toEqual(['s__a', 's__b'])
  })

  it('F28: are found under no name when they are switched off', () => {
    const off = { ...pin, name: 'a', enabled: false, alias: 'x' }
    const { catalogue, names } = pinned({ hashes, pins: [off], settings: warn })
    expect(names).toEqual(['s__b'])
    for (const name of ['a', 'x', 's__a', 's__x']) expect(catalogue.find(name)).toBeUndefined()
  })

  it('go by the name that their owner chose, and by no other', () => {
    const { catalogue, names } = pinned({ hashes, pins: [{ ...pin, name: 'a', alias: 'say' }] })
    expect(names).toEqual(['s__say'])
    expect(catalogue.find('s__say')).toMatchObject({ original: 'a' })
    expect(catalogue.find('s__a')).toBeUndefined()
  })
})
