import { describe, expect, it } from 'vitest'
import { DeployServer } from './servers.ts'
import { askingProblems, sharingOf, UserCredentials } from './user-credentials.ts'

const env = (name: string) => ({ kind: 'env' as const, name })
const header = (name: string) => ({ kind: 'header' as const, name })
const paths = (value: unknown) =>
  UserCredentials.safeParse(value).error?.issues.map(({ path }) => path.join('.')) ?? []

describe('what a server asks of its users', () => {
  it('is required unless it says otherwise', () => {
    expect(UserCredentials.parse([env('TOKEN'), { ...header('X-Key'), required: false }])).toEqual([
      { ...env('TOKEN'), required: true },
      { ...header('X-Key'), required: false },
    ])
  })

  it.each([
    [[{ name: 'TOKEN' }], '0.kind'],
    [[{ kind: 'cookie', name: 'TOKEN' }], '0.kind'],
    [[env('')], '0.name'],
    [[env('1TOKEN')], '0.name'],
    [[env('TO KEN')], '0.name'],
    [[env('A'), env('path')], '1.name'],
    [[env('NODE_OPTIONS')], '0.name'],
    [[header('')], '0.name'],
    [[header('X Key')], '0.name'],
    [[header('X-Key\r\nHost')], '0.name'],
    [[header('Host')], '0.name'],
    [[header('MCP-Session-Id')], '0.name'],
    [[header('Toolberth-User-Headers')], '0.name'],
    [[env('TOKEN'), env('token')], '1.name'],
    [[{ ...env('TOKEN'), description: 'nul\0' }], '0.description'],
    [[{ ...env('TOKEN'), description: 'x'.repeat(501) }], '0.description'],
    [[{ ...env('TOKEN'), required: 'yes' }], '0.required'],
    [[{ ...env('TOKEN'), value: 'a secret' }], '0'],
    [Array.from({ length: 17 }, (_, at) => env(`V${at}`)), ''],
    ['TOKEN', ''],
  ])('%j is refused at %j', (value, path) => {
    expect(paths(value)).toEqual([path])
  })
})

describe('a server', () => {
  const own = { env: ['LOG_LEVEL'], headers: ['X-Team'] }
  const data = [{ mountPath: '/data' }]
  it.each([
    [{ transport: 'streamable-http', userCredentials: [env('TOKEN')] }, 'userCredentials.0.kind'],
    [{ transport: 'sse', userCredentials: [env('TOKEN')] }, 'userCredentials.0.kind'],
    [{ transport: 'stdio', userCredentials: [header('X-Key')] }, 'userCredentials.0.kind'],
    [{ transport: 'stdio', userCredentials: [env('A'), env('log_level')] }, 'userCredentials.1.name'],
    [{ transport: 'sse', userCredentials: [header('x-team')] }, 'userCredentials.0.name'],
    [{ transport: 'sse', sharing: 'isolated' }, 'sharing'],
    [{ transport: 'stdio', sharing: 'shared', userCredentials: [env('TOKEN')] }, 'sharing'],
    [{ transport: 'stdio', sharing: 'isolated', data }, 'data'],
    [{ transport: 'stdio', userCredentials: [env('TOKEN')], data }, 'data'],
  ] as const)('%j is refused at %j', (asking, field) => {
    expect(Object.keys(askingProblems({ ...own, ...asking }))).toEqual([field])
  })

  it.each([
    { transport: 'stdio', userCredentials: [env('TOKEN')] },
    { transport: 'stdio', sharing: 'isolated' },
    { transport: 'stdio', sharing: 'shared', data },
    { transport: 'sse', userCredentials: [header('X-Key'), header('Authorization')] },
    { transport: 'streamable-http', sharing: 'shared', data },
  ] as const)('%j is taken', (asking) => {
    expect(askingProblems({ ...own, ...asking })).toEqual({})
  })

  it('runs once for each session where users bring variables, and as it is told otherwise', () => {
    expect(sharingOf({ userCredentials: [env('TOKEN')] })).toBe('isolated')
    expect(sharingOf({ userCredentials: [header('X-Key')] })).toBe('shared')
    expect(sharingOf({ sharing: 'isolated' })).toBe('isolated')
  })

  it('is checked before it is sent, as far as it is known then', () => {
    const deploy = (change: object) =>
      DeployServer.safeParse({ name: 'server', transport: 'stdio', ...change }).error?.issues.map(
        ({ path }) => path,
      )
    const source = { type: 'npm', package: 'p' }
    const userCredentials = [header('X-Key')]
    expect(deploy({ source, userCredentials })).toEqual([['userCredentials', '0', 'kind']])
    expect(deploy({ source: { type: 'catalog', slug: 'entry' }, userCredentials })).toBeUndefined()
  })
})
