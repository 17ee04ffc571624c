import { describe, expect, it } from 'vitest'
import {
  deployResolver,
  EMPTY_DEPLOY,
  fieldOf,
  parseEnvBlock,
  suggestName,
  toDeployInput,
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
