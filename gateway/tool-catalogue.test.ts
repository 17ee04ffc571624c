import { describe, expect, it } from 'vitest'
import type { GatewayConnection, GatewayRights } from '#contracts/gateway.ts'
import { TOOL_NAME_PATTERN } from '#contracts/probe.ts'
import { serverFacts } from '#testing/gateway.ts'
import { buildToolCatalogue, prefixedName } from './tool-catalogue.ts'

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
const pageOf = (text: string | null): Page => JSON.parse(text ?? '{"tools":[]}') as Page
const names = (page: Page) => page.tools.map(({ name }) => name)

describe('buildToolCatalogue', () => {
  it('prefixes names unless the connection says otherwise, in the order given', () => {
    const catalogue = buildToolCatalogue(
      agent(connection('web', ['z', 'a']), connection('own', ['q'], false)),
    )
    expect(names(pageOf(catalogue.page(undefined)))).toEqual(['web__z', 'web__a', 'q'])
    expect(catalogue.find('web__a')).toMatchObject({ toolName: 'a', connection: { slug: 'web' } })
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
    const catalogue = buildToolCatalogue(agent({ ...connection('s', []), tools: [tool] }))
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
    expect(buildToolCatalogue(agent()).page(undefined)).toBe('{"tools":[]}')
  })
})

describe('prefixedName', () => {
  it('stays within the limit, valid, its own and the same', () => {
    const slug = 'a'.repeat(40)
    const one = prefixedName(slug, `${'t'.repeat(127)}1`)
    const two = prefixedName(slug, `${'t'.repeat(127)}2`)
    expect(one).toHaveLength(128)
    expect(one).toMatch(TOOL_NAME_PATTERN)
    expect(one).not.toBe(two)
    expect(prefixedName(slug, `${'t'.repeat(127)}1`)).toBe(one)
    expect(prefixedName(slug, 't'.repeat(86))).toBe(`${slug}__${'t'.repeat(86)}`)
  })
})
