import { describe, expect, it } from 'vitest'
import { toDeployInput } from '#app/components/servers/deploy-input.ts'
import { EMPTY_DEPLOY } from '#app/components/servers/deploy-values.ts'
import { releaseValues, requiredOf, withoutAsked } from '#app/components/servers/wizard/release-values.ts'
import { CatalogRelease } from '#contracts/catalog.ts'
import { DeployServer } from '#contracts/servers.ts'

const entry = { slug: 'web-search', description: 'Searches the web.' }
const release = CatalogRelease.parse({
  version: '1.2.0',
  source: { type: 'npm', package: 'web-search-mcp', version: '1.2.0' },
  transport: 'stdio',
  variables: [
    { name: 'API_KEY', title: 'API key', required: true, secret: true },
    { name: 'REGION', default: 'eu', choices: ['eu', 'us'], required: true },
  ],
  arguments: [{ key: 'roots', required: true, repeated: true }],
  limits: { memoryMb: 256 },
  data: [{ mountPath: '/data' }],
})
const filled = releaseValues(EMPTY_DEPLOY, entry, release)

describe('the form of a catalog entry', () => {
  it('asks what the release asks, with what it suggests filled in', () => {
    expect(filled).toMatchObject({
      sourceType: 'catalog',
      catalogSlug: 'web-search',
      catalogVersion: '1.2.0',
      catalogRuns: 'npm',
      name: 'web-search',
      description: 'Searches the web.',
      memoryMb: '256',
      cpus: EMPTY_DEPLOY.cpus,
      data: '/data',
      env: [
        { name: 'API_KEY', value: '', secret: true },
        { name: 'REGION', value: 'eu', secret: false },
      ],
    })
    expect(requiredOf(release), 'what has a default is not missing').toEqual(['roots', 'API key'])
  })

  it('becomes what the contract takes', () => {
    const [key, region] = filled.env
    const [roots] = filled.answers
    if (!key || !region || !roots) throw new Error('The form lacks what the release asks for.')
    const input = toDeployInput({
      ...filled,
      env: [{ ...key, value: 'k' }, region],
      answers: [{ ...roots, value: '/a\n/b' }],
      data: '',
    })
    expect(DeployServer.parse(input)).toMatchObject({
      source: { type: 'catalog', slug: 'web-search', version: '1.2.0', arguments: { roots: ['/a', '/b'] } },
      env: { API_KEY: { value: 'k', secret: true }, REGION: { value: 'eu', secret: false } },
      data: [],
    })
    expect(input.transport, 'the entry has its own').toBeUndefined()
  })

  it('keeps what was answered when another version is chosen', () => {
    const [key, ...rest] = filled.env
    if (!key) throw new Error('The form lacks what the release asks for.')
    const own = { name: 'HTTPS_PROXY', value: 'http://proxy', secret: false }
    const answered = { ...filled, name: 'mine', env: [{ ...key, value: 'k' }, ...rest, own] }
    const next = releaseValues(answered, entry, {
      ...release,
      version: '2.0.0',
      variables: release.variables.slice(0, 1),
    })
    expect(next).toMatchObject({ name: 'mine', catalogVersion: '2.0.0' })
    expect(next.env.map(({ name, value }) => [name, value])).toEqual([
      ['API_KEY', 'k'],
      ['HTTPS_PROXY', 'http://proxy'],
    ])
    expect(withoutAsked(next).env, 'for another source').toEqual([own])
  })

  it('asks a remote entry for its headers', () => {
    const remote = CatalogRelease.parse({
      version: '1',
      source: { type: 'remote', url: 'https://mcp.example.com/mcp' },
      transport: 'streamable-http',
      headers: [{ name: 'Authorization', required: true, secret: true }, { name: 'X-Team' }],
    })
    const values = releaseValues(EMPTY_DEPLOY, entry, remote)
    const [authorization, team] = values.headers
    if (!authorization || !team) throw new Error('The form lacks what the release asks for.')
    const input = toDeployInput({ ...values, headers: [{ ...authorization, value: 'Bearer x' }, team] })
    expect(DeployServer.parse(input).source).toMatchObject({ headers: { Authorization: 'Bearer x' } })
    expect(input).toMatchObject({ limits: undefined, data: undefined, env: undefined })
  })
})
