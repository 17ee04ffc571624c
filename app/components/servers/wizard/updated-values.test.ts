import { describe, expect, it } from 'vitest'
import { changesBetween } from '#app/components/servers/changes.ts'
import { EMPTY_DEPLOY } from '#app/components/servers/deploy-values.ts'
import { unansweredOf, updatedValues } from '#app/components/servers/wizard/updated-values.ts'
import { CatalogRelease } from '#contracts/catalog.ts'

const origin = { slug: 'search', version: '1.0.0', arguments: { root: '/a' } }
const release = CatalogRelease.parse({
  version: '2.0.0',
  source: { type: 'npm', package: 'search-mcp', version: '2.0.0' },
  transport: 'stdio',
  variables: [
    { name: 'API_KEY', secret: true, required: true },
    { name: 'MODE', default: 'fast' },
  ],
  arguments: [{ key: 'root', flag: '--root', required: true }],
})

describe('an update to a release of the catalog', () => {
  it('keeps what the server was given, and adds what is new', () => {
    const before = {
      ...EMPTY_DEPLOY,
      package: 'search-mcp',
      version: '1.0.0',
      args: '--root\n/a',
      memoryMb: '768',
      env: [{ name: 'API_KEY', value: '', secret: true, kept: 'API_KEY' }],
    }
    expect(changesBetween(before, updatedValues(before, release, origin))).toEqual([
      { label: 'Version', before: '1.0.0', after: '2.0.0', deploys: true },
      { label: 'MODE', before: null, after: 'fast', deploys: true },
    ])
  })

  it('names what the release requires and nobody has answered', () => {
    const env = [{ name: 'API_KEY', secret: true, value: null }]
    expect(unansweredOf(release, { env, headerNames: [] }, origin)).toEqual([])
    expect(unansweredOf(release, { env: [], headerNames: [] }, { ...origin, arguments: {} })).toEqual([
      'API_KEY',
      'root',
    ])
  })
})
