import { describe, expect, it } from 'vitest'
import { toDeployInput } from '#app/components/servers/deploy-input.ts'
import { type DeployValues, EMPTY_DEPLOY } from '#app/components/servers/deploy-values.ts'
import { parseEnvBlock, suggestName } from '#app/components/servers/env-text.ts'
import { checkDeploy, fieldOf, resolverOf } from '#app/components/servers/form-check.ts'
import { DeployServer } from '#contracts/servers.ts'

const values: DeployValues = {
  ...EMPTY_DEPLOY,
  name: 'everything',
  package: '@modelcontextprotocol/server-everything',
}
const resolver = resolverOf(checkDeploy)
const check = async (changes: Partial<DeployValues>) =>
  resolver({ ...values, ...changes }, undefined, { fields: {}, shouldUseNativeValidation: false })

describe('the form of a deployment', () => {
  it('makes what the contract accepts of its values', () => {
    const input = toDeployInput({
      ...values,
      args: '--flag\n\n two words ',
      env: [
        { name: 'API_KEY', value: 'a', secret: true },
        { name: '', value: '', secret: false },
      ],
    })
    expect(DeployServer.parse(input)).toMatchObject({
      source: { type: 'npm', args: ['--flag', 'two words'] },
      env: { API_KEY: { value: 'a', secret: true } },
      limits: { memoryMb: 512, cpus: 1, pids: 256 },
    })
  })

  it('asks users for what they can bring there, and says at its row what is wrong', async () => {
    const row = (name: string) => ({ name, description: ' Yours. ', required: true })
    const empty = { name: ' ', description: '', required: true }
    const userCredentials = [empty, row('TOKEN'), empty, row('PATH')]
    expect(toDeployInput({ ...values, userCredentials: [row('TOKEN')] })).toMatchObject({
      userCredentials: [{ kind: 'env', name: 'TOKEN', description: 'Yours.', required: true }],
      sharing: 'isolated',
    })
    const http = toDeployInput({ ...values, transport: 'streamable-http', userCredentials: [row('X-Key')] })
    expect(http).toMatchObject({ userCredentials: [{ kind: 'header', name: 'X-Key' }], sharing: undefined })
    expect((await check({ userCredentials })).errors).toEqual({
      userCredentials: [
        undefined,
        undefined,
        undefined,
        { name: expect.objectContaining({ type: 'validate' }) },
      ],
    })
    const twice = await check({
      userCredentials: [row('TOKEN')],
      env: [{ name: 'TOKEN', value: 'ours', secret: true }],
    })
    expect(twice.errors.userCredentials?.[0]?.name?.message).toContain('its own TOKEN')
    expect(Object.keys((await check({ userCredentials: [row('TOKEN')], data: '/data' })).errors)).toEqual([
      'data',
    ])
  })

  it('asks of each source what it has', () => {
    const image = { ...values, sourceType: 'image', image: 'ghcr.io/a/b:1', args: '-x' } as const
    expect(DeployServer.parse(toDeployInput({ ...image, data: '/data\n' }))).toMatchObject({
      source: { type: 'image', image: 'ghcr.io/a/b:1', args: ['-x'] },
      data: [{ mountPath: '/data' }],
    })
    const remote = toDeployInput({
      ...values,
      sourceType: 'remote',
      url: ' https://mcp.example.com/mcp ',
      headers: [
        { name: 'Authorization', value: 'Bearer x' },
        { name: '', value: '' },
      ],
      env: [{ name: 'LEFT_OVER', value: '1', secret: false }],
    })
    expect(DeployServer.parse(remote)).toMatchObject({
      source: {
        type: 'remote',
        url: 'https://mcp.example.com/mcp',
        headers: { Authorization: 'Bearer x' },
      },
      transport: 'streamable-http',
    })
    expect(remote.env, 'what runs elsewhere has no variables').toBeUndefined()
  })

  it('fills in what a catalog entry asks for, and says what it does not run without', async () => {
    const asked = { required: true, secret: true }
    const catalog: DeployValues = {
      ...values,
      sourceType: 'catalog',
      catalogSlug: 'search',
      env: [
        { name: 'API_KEY', value: '', secret: true, asked: { name: 'API_KEY', ...asked } },
        {
          name: 'REGION',
          value: '',
          secret: false,
          asked: { name: 'REGION', required: false, secret: false },
        },
      ],
      answers: [
        { value: '/a\n/b', asked: { key: 'roots', required: true, repeated: true } },
        { value: '', asked: { key: 'mode', required: true, repeated: false } },
      ],
    }
    expect(
      (await resolver(catalog, undefined, { fields: {}, shouldUseNativeValidation: false })).errors,
    ).toEqual({
      env: [{ value: expect.objectContaining({ message: 'It does not run without this.' }) }],
      answers: [undefined, { value: expect.anything() }],
    })
    const [key, region] = catalog.env as [DeployValues['env'][number], DeployValues['env'][number]]
    const filled = { ...catalog, env: [{ ...key, value: 'k' }, region] }
    expect(toDeployInput(filled)).toMatchObject({
      source: { type: 'catalog', slug: 'search', arguments: { roots: ['/a', '/b'] } },
      env: { API_KEY: { value: 'k', secret: true } },
    })
    expect(Object.keys(toDeployInput(filled).env ?? {}), 'left empty: not set').toEqual(['API_KEY'])
  })

  it('leaves an empty limit to the contract and refuses what is no number', async () => {
    expect(toDeployInput({ ...values, memoryMb: ' ' }).limits?.memoryMb).toBeUndefined()
    expect((await check({ memoryMb: 'much' })).errors).toHaveProperty('memoryMb')
  })

  it('shows the messages of the contract at the boxes they belong to', async () => {
    const { errors } = await check({
      name: 'No Spaces',
      package: 'https://example.com/x.tgz',
      env: [
        { name: 'PATH', value: '/tmp', secret: false },
        { name: 'TWICE', value: '1', secret: false },
        { name: 'TWICE', value: '2', secret: false },
      ],
    })
    expect(errors).toMatchObject({
      name: { message: expect.stringContaining('lower-case') },
      package: { message: expect.stringContaining('npm package name') },
      env: [{ name: { message: expect.stringContaining('PATH') } }, undefined, { name: {} }],
    })
  })

  it('finds the box of a path the server names', () => {
    const env = [{ name: 'B', value: '', secret: false }]
    expect(fieldOf('source.package', values)).toBe('package')
    expect(fieldOf('source.args.2', values)).toBe('args')
    expect(fieldOf('env.B.value', { ...values, env })).toBe('env.0.value')
    expect(fieldOf('source.headers.X-Key', { ...values, headers: [{ name: 'X-Key', value: '' }] })).toBe(
      'headers.0.name',
    )
    expect(fieldOf('source.type', values)).toBe('sourceType')
    expect(fieldOf('data.0.mountPath', values)).toBe('data')
    expect(fieldOf('id', values)).toBeNull()
  })

  it.each([
    ['@modelcontextprotocol/server-everything', 'everything'],
    ['mcp-server-time', 'time'],
    ['@acme/Weather.MCP', 'weather'],
    ['ghcr.io/github/github-mcp-server:1.2.3', 'github'],
    ['https://mcp.linear.app/mcp', 'linear'],
    ['https://example.com/v1/mcp', 'example'],
    ['ab', ''],
  ])('suggests a name for %s', (origin, expected) => {
    expect(suggestName(origin)).toBe(expected)
  })

  it('reads a pasted block of variables and marks what looks secret', () => {
    expect(parseEnvBlock('# note\nexport API_TOKEN="a b"\nLOG_LEVEL = info\nnonsense')).toEqual([
      { name: 'API_TOKEN', value: 'a b', secret: true },
      { name: 'LOG_LEVEL', value: 'info', secret: false },
    ])
  })
})
