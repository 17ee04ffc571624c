import { describe, expect, it } from 'vitest'
import { toDeployInput } from '#app/components/servers/deploy-input.ts'
import { EMPTY_DEPLOY } from '#app/components/servers/deploy-values.ts'
import { importedValues } from '#app/components/servers/wizard/imported-values.ts'
import { CreateCatalogEntry } from '#contracts/catalog.ts'
import type { ImportItem } from '#contracts/catalog-transfer.ts'
import { DeployServer } from '#contracts/servers.ts'

const item = (release: unknown, answers: Partial<ImportItem['answers']>): ImportItem => ({
  key: 'search',
  action: 'create',
  entry: CreateCatalogEntry.parse({ slug: 'search', title: 'Search', description: 'Finds.', release }),
  answers: { env: {}, headers: {}, arguments: {}, ...answers },
  notes: [],
  refusal: null,
  entryId: null,
})

describe('a server out of a pasted configuration', () => {
  it('is deployed with what the configuration said, its secrets kept as such', () => {
    const release = {
      version: '1',
      source: { type: 'npm', package: 'search-mcp', args: ['--fast'] },
      transport: 'stdio',
      variables: [{ name: 'API_KEY', secret: true, required: true }],
      arguments: [{ key: 'root', flag: '--root', repeated: true }],
    }
    const values = importedValues(
      { ...EMPTY_DEPLOY, sourceType: 'config', configText: '{"API_KEY":"k"}' },
      item(release, {
        env: { API_KEY: { value: 'k', secret: true }, LOG: { value: 'info', secret: false } },
        arguments: { root: ['/a', '/b'] },
      }),
    )
    if (!values) throw new Error('It was refused.')
    expect(values.configText, 'what was pasted may hold secrets').toBe('')
    expect(DeployServer.parse(toDeployInput(values))).toMatchObject({
      name: 'search',
      source: {
        type: 'npm',
        package: 'search-mcp',
        args: ['--fast', '--root', '/a', '--root', '/b'],
      },
      transport: 'stdio',
      env: { API_KEY: { value: 'k', secret: true }, LOG: { value: 'info', secret: false } },
    })
  })

  it('that runs elsewhere is called with its headers', () => {
    const release = {
      version: '1',
      source: { type: 'remote', url: 'https://mcp.example.com/mcp' },
      transport: 'streamable-http',
      headers: [{ name: 'Authorization', secret: true }],
    }
    const values = importedValues(
      EMPTY_DEPLOY,
      item(release, { headers: { Authorization: 'Bearer x', 'X-Team': 'a' } }),
    )
    if (!values) throw new Error('It was refused.')
    expect(DeployServer.parse(toDeployInput(values)).source).toEqual({
      type: 'remote',
      url: 'https://mcp.example.com/mcp',
      headers: { Authorization: 'Bearer x', 'X-Team': 'a' },
    })
  })

  it('that cannot be run gives no form', () => {
    const { entry: _entry, ...rest } = item(
      { version: '1', source: { type: 'npm', package: 'a' }, transport: 'stdio' },
      {},
    )
    expect(importedValues(EMPTY_DEPLOY, { ...rest, entry: null, refusal: 'It needs Python.' })).toBeNull()
  })
})
