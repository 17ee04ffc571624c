import { describe, expect, it } from 'vitest'
import {
  deployResolver,
  EMPTY_DEPLOY,
  fieldOf,
  parseEnvBlock,
  suggestName,
  toDeployInput,
  valuesOf,
} from '#app/components/servers/deploy-form.ts'
import { DeployServer } from '#contracts/servers.ts'

const values = { ...EMPTY_DEPLOY, name: 'everything', package: '@modelcontextprotocol/server-everything' }
const check = (changes: Partial<typeof values>) =>
  deployResolver({ ...values, ...changes }, undefined, { fields: {}, shouldUseNativeValidation: false })

describe('the deploy dialog', () => {
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
    expect(fieldOf('grants.0', values)).toBeNull()
  })

  it('starts a further attempt from what the one before was given, without its secrets', () => {
    const revision = {
      number: 1,
      source: { type: 'npm' as const, package: 'a-server', args: ['--x', 'y'] },
      transport: 'streamable-http' as const,
      http: { path: '/mcp', port: { fixed: 3001 } },
      limits: { memoryMb: 128, cpus: 0.5, pids: 64 },
      env: [{ name: 'API_KEY', secret: true, value: null }],
      createdAt: '2026-01-01T00:00:00.000Z',
    }
    const again = valuesOf({ name: 'web', description: null, visibility: 'restricted', revision })
    expect(DeployServer.parse(toDeployInput(again))).toMatchObject({
      name: 'web-2',
      source: { args: ['--x', 'y'] },
      http: { port: { fixed: 3001 } },
      limits: { memoryMb: 128 },
      env: { API_KEY: { value: '', secret: true } },
      visibility: 'restricted',
    })
    expect(valuesOf({ name: 'web-2', description: null, visibility: 'everyone', revision }).name).toBe(
      'web-3',
    )
    const longest = valuesOf({ name: 'a'.repeat(40), description: null, visibility: 'everyone', revision })
    expect(longest.name).toBe(`${'a'.repeat(38)}-2`)
  })

  it.each([
    ['@modelcontextprotocol/server-everything', 'everything'],
    ['mcp-server-time', 'time'],
    ['@acme/Weather.MCP', 'weather'],
    ['ab', ''],
  ])('suggests a name for %s', (name, expected) => {
    expect(suggestName(name)).toBe(expected)
  })

  it('reads a pasted block of variables and marks what looks secret', () => {
    expect(parseEnvBlock('# note\nexport API_TOKEN="a b"\nLOG_LEVEL = info\nnonsense')).toEqual([
      { name: 'API_TOKEN', value: 'a b', secret: true },
      { name: 'LOG_LEVEL', value: 'info', secret: false },
    ])
  })
})
