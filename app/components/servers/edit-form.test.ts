import { describe, expect, it } from 'vitest'
import { changesBetween } from '#app/components/servers/changes.ts'
import { type DeployValues, valuesOf } from '#app/components/servers/deploy-values.ts'
import { editResolver, rebase, toUpdateInput } from '#app/components/servers/edit-form.ts'
import { UpdateServer } from '#contracts/servers.ts'

const server = {
  id: '00000000-0000-4000-8000-000000000001',
  name: 'web',
  description: null,
  visibility: 'restricted' as const,
  toolbox: { id: '00000000-0000-4000-8000-00000000000a', name: 'local', state: 'active' },
  revision: {
    number: 3,
    catalog: null,
    source: { type: 'npm' as const, package: 'a-server', args: ['--x', 'y'] },
    transport: 'streamable-http' as const,
    http: { path: '/mcp', port: { fixed: 3001 } },
    limits: { memoryMb: 128, cpus: 0.5, pids: 64 },
    env: [
      { name: 'API_KEY', secret: true, value: null },
      { name: 'LOG_LEVEL', secret: false, value: 'info' },
    ],
    headerNames: [],
    data: [],
    rollout: 'beside' as const,
    sharing: 'shared' as const,
    userCredentials: [],
    drainSeconds: 60,
    createdAt: '2026-01-01T00:00:00.000Z',
  },
}
const before = valuesOf(server)
const edited = (changes: Partial<DeployValues>) => ({ ...before, ...changes })
const [apiKey, logLevel] = before.env as [DeployValues['env'][number], DeployValues['env'][number]]
const check = async (changes: Partial<DeployValues>) =>
  editResolver(server, () => before)(edited(changes), undefined, {
    fields: {},
    shouldUseNativeValidation: false,
  })

describe('the edit dialog', () => {
  it('begins with the latest revision, changes nothing by itself and keeps secrets that it cannot read', async () => {
    expect(changesBetween(before, before)).toEqual([])
    expect((await check({})).errors).toEqual({})
    expect(toUpdateInput(server, before, before)).toEqual({ id: server.id, baseRevision: 3 })
    const changed = edited({ memoryMb: '256', env: [apiKey, { ...logLevel, value: 'debug' }] })
    expect(UpdateServer.parse(toUpdateInput(server, before, changed)), 'what changed alone').toEqual({
      id: server.id,
      baseRevision: 3,
      env: { API_KEY: { keep: true }, LOG_LEVEL: { value: 'debug', secret: false } },
      limits: { memoryMb: 256, cpus: 0.5, pids: 64 },
    })
  })

  it('shows what changes, and never a secret', () => {
    const changes = changesBetween(
      before,
      edited({
        version: '2.0.0',
        httpPort: '3002',
        description: 'New words',
        env: [
          { ...apiKey, value: 'sk-new' },
          { name: 'ADDED', value: '1', secret: false },
        ],
      }),
    )
    expect(changes).toEqual([
      { label: 'Version', before: null, after: '2.0.0', deploys: true },
      { label: 'Port', before: 'fixed 3001', after: 'fixed 3002', deploys: true },
      { label: 'API_KEY', before: 'a secret', after: 'a new secret', deploys: true },
      { label: 'LOG_LEVEL', before: 'info', after: null, deploys: true },
      { label: 'ADDED', before: null, after: '1', deploys: true },
      { label: 'Description', before: null, after: 'New words', deploys: false },
    ])
  })

  it('says at its box that a secret which is kept cannot be renamed', async () => {
    const { errors } = await check({ env: [{ ...apiKey, name: 'API_TOKEN' }, logLevel] })
    expect(errors).toMatchObject({ env: [{ value: { message: expect.stringContaining('again') } }] })
  })

  it('puts what the contract refuses at its box', async () => {
    const { errors } = await check({ memoryMb: '1', env: [apiKey, { ...logLevel, name: 'PATH' }] })
    expect(errors).toMatchObject({
      memoryMb: { message: 'At least 64 MiB.' },
      env: [undefined, { name: { message: expect.stringContaining('PATH') } }],
    })
  })

  it('keeps the headers of a remote server that are not given again', () => {
    const remote = {
      ...server,
      revision: {
        ...server.revision,
        source: { type: 'remote' as const, url: 'https://mcp.example.com/mcp' },
        headerNames: ['Authorization'],
        env: [],
      },
    }
    const from = valuesOf(remote)
    expect(toUpdateInput(remote, from, from)).not.toHaveProperty('source')
    const more = { ...from, headers: [...from.headers, { name: 'X-Team', value: 'a' }] }
    expect(UpdateServer.parse(toUpdateInput(remote, from, more)).source).toEqual({
      type: 'remote',
      url: 'https://mcp.example.com/mcp',
      headers: { Authorization: { keep: true }, 'X-Team': 'a' },
    })
    expect(UpdateServer.parse(toUpdateInput(remote, from, { ...from, headers: [] })).source).toMatchObject({
      headers: {},
    })
  })

  it('puts what was typed on top of what another admin saved meanwhile', () => {
    const theirs = edited({
      memoryMb: '512',
      cpus: '2',
      env: [apiKey, { ...logLevel, value: 'warn' }, { name: 'THEIRS', value: '1', secret: false }],
    })
    const mine = edited({
      cpus: '4',
      description: 'Mine',
      env: [
        { ...logLevel, value: 'debug' },
        { name: 'MINE', value: '2', secret: false },
      ],
    })
    const rebased = rebase(before, mine, theirs)
    expect(rebased).toMatchObject({ memoryMb: '512', cpus: '4', description: 'Mine' })
    expect(Object.fromEntries(rebased.env.map(({ name, value }) => [name, value])), 'one removed').toEqual({
      LOG_LEVEL: 'debug',
      THEIRS: '1',
      MINE: '2',
    })
    expect(rebase(before, before, theirs), 'nothing typed').toEqual(theirs)
    expect(changesBetween(theirs, rebased).map(({ label }) => label)).toEqual([
      'CPU cores',
      'API_KEY',
      'LOG_LEVEL',
      'MINE',
      'Description',
    ])
  })
})

describe('what each user brings', () => {
  const asked = { name: 'X-Key', description: '', required: true }
  it('is sent when it was changed, and shown before that', () => {
    const after = edited({ userCredentials: [asked] })
    expect(toUpdateInput(server, before, after)).toEqual({
      id: server.id,
      baseRevision: server.revision.number,
      userCredentials: [{ kind: 'header', name: 'X-Key', required: true }],
    })
    expect(toUpdateInput(server, after, before)).toMatchObject({ userCredentials: [] })
    expect(changesBetween(before, after)).toEqual([
      { label: 'Each user brings X-Key', before: null, after: 'header, required', deploys: true },
    ])
  })
})
