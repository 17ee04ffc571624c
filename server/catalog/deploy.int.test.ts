import { describe, expect, it } from 'vitest'
import type { DeployServerInput } from '#contracts/servers.ts'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { appRouter } = await import('#server/trpc/router.ts')
const admin = await seedUser({ role: 'ADMIN' })
const toolbox = await seedToolbox({ memoryMb: 100_000 })
const caller = appRouter.createCaller(admin.ctx)

const release = (version: string) => ({
  version,
  source: { type: 'npm' as const, package: 'some-server', version, args: ['serve'] },
  transport: 'streamable-http' as const,
  http: { path: '/endpoint', port: { env: 'LISTEN' } },
  limits: { memoryMb: 192 },
  variables: [
    { name: 'API_KEY', required: true, secret: true },
    { name: 'MODE', default: 'fast', choices: ['fast', 'slow'] },
    { name: 'EXTRA' },
  ],
  arguments: [
    { key: 'folders', required: true, repeated: true },
    { key: 'level', flag: '--level', choices: ['1', '2'] },
  ],
})
const { id: entryId } = await caller.catalog.create({
  slug: 'entry',
  title: 'Entry',
  description: '',
  release: release('1.0.0'),
})
await caller.catalog.update({ id: entryId, release: release('1.1.0') })

let made = 0
const deploy = (
  source: Partial<Extract<DeployServerInput['source'], { type: 'catalog' }>>,
  rest: Partial<DeployServerInput> = {},
) =>
  caller.servers.deploy({
    name: `server-${made++}`,
    toolboxId: toolbox.id,
    source: { type: 'catalog', slug: 'entry', arguments: { folders: '/a' }, ...source },
    env: { API_KEY: { value: 'k' } },
    ...rest,
  })
const revision = async (id: string) => (await caller.servers.get({ id })).revision
/** So that the next change is not refused for being too early. */
const settle = (id: string) =>
  query(
    database.adminUrl,
    `UPDATE deployments SET state = 'live', finished_at = now() WHERE server_id = '${id}' AND finished_at IS NULL`,
  )

describe('a deployment from the catalog', () => {
  it('runs what the newest release says, with its defaults, and remembers where it came from', async () => {
    const { serverId } = await deploy({ arguments: { folders: ['/a', '/b'], level: '2' } })
    expect(await revision(serverId)).toMatchObject({
      source: {
        type: 'npm',
        package: 'some-server',
        version: '1.1.0',
        args: ['serve', '/a', '/b', '--level', '2'],
      },
      catalog: { slug: 'entry', version: '1.1.0', arguments: { folders: ['/a', '/b'], level: '2' } },
      transport: 'streamable-http',
      http: { path: '/endpoint', port: { env: 'LISTEN' } },
      limits: { memoryMb: 192 },
      env: [
        { name: 'API_KEY', secret: true, value: null },
        { name: 'MODE', secret: false, value: 'fast' },
      ],
    })
    expect(await caller.catalog.get({ slug: 'entry' })).toMatchObject({
      servers: [{ id: serverId, state: 'deploying', version: '1.1.0' }],
    })
  })

  it('takes an older release, and what is given stands above what it suggests', async () => {
    const { serverId } = await deploy(
      { version: '1.0.0' },
      {
        transport: 'streamable-http',
        limits: { memoryMb: 320 },
        env: { API_KEY: { value: 'k' }, MODE: { value: 'slow' }, OWN: { value: '1' } },
      },
    )
    expect(await revision(serverId)).toMatchObject({
      catalog: { version: '1.0.0' },
      limits: { memoryMb: 320 },
      env: [{ name: 'API_KEY' }, { name: 'MODE', value: 'slow' }, { name: 'OWN', value: '1' }],
    })
  })

  it.each<[string, Parameters<typeof deploy>, string]>([
    ['an unknown entry', [{ slug: 'nothing' }], 'source.slug'],
    ['an unknown version', [{ version: '7' }], 'source.version'],
    ['a required argument left out', [{ arguments: {} }], 'source.arguments.folders'],
    ['a value that is no choice', [{ arguments: { folders: 'x', level: '9' } }], 'source.arguments.level'],
    ['two values for one', [{ arguments: { folders: 'x', level: ['1', '2'] } }], 'source.arguments.level'],
    ['an argument not asked for', [{ arguments: { folders: 'x', more: '1' } }], 'source.arguments.more'],
    ['headers for a package', [{ headers: { 'x-key': '1' } }], 'source.headers'],
    ['a required variable left out', [{}, { env: {} }], 'env.API_KEY'],
    ['a required variable left empty', [{}, { env: { API_KEY: { value: '' } } }], 'env.API_KEY'],
    [
      'a variable that is no choice',
      [{}, { env: { API_KEY: { value: 'k' }, MODE: { value: 'x' } } }],
      'env.MODE',
    ],
    ['another transport', [{}, { transport: 'stdio' }], 'transport'],
  ])('with %s is refused, naming the field, without a trace', async (_name, input, field) => {
    const before = await checksumTables(database.adminUrl)
    const { code, fields } = await refusalOf(deploy(...input))
    expect({ code, fields: Object.keys(fields ?? {}) }).toEqual({ code: 'BAD_REQUEST', fields: [field] })
    expect(await checksumTables(database.adminUrl)).toEqual(before)
  })

  it('without the catalog needs a transport', async () => {
    const { code, fields } = await refusalOf(
      caller.servers.deploy({ name: 'plain', source: { type: 'npm', package: 'some-server' } }),
    )
    expect({ code, fields }).toEqual({ code: 'BAD_REQUEST', fields: { transport: ['Choose a transport.'] } })
  })
})

describe('an update from the catalog', () => {
  it('moves to another release and keeps answers, variables and limits', async () => {
    const { serverId: id } = await deploy({ version: '1.0.0' }, { limits: { memoryMb: 320 } })
    await settle(id)
    await caller.servers.update({ id, source: { type: 'catalog', slug: 'entry', version: '1.1.0' } })
    expect(await revision(id)).toMatchObject({
      source: { version: '1.1.0', args: ['serve', '/a'] },
      catalog: { version: '1.1.0', arguments: { folders: '/a' } },
      limits: { memoryMb: 320 },
      env: [{ name: 'API_KEY', secret: true }, { name: 'MODE' }],
    })
  })

  it('by hand stays of its release while the package and its version stay, and no longer', async () => {
    const { serverId: id } = await deploy({})
    await settle(id)
    const npm = { type: 'npm' as const, package: 'some-server', version: '1.1.0' }
    await caller.servers.update({ id, source: { ...npm, args: ['other'] } })
    expect(await revision(id)).toMatchObject({ catalog: { version: '1.1.0' }, source: { args: ['other'] } })
    await settle(id)
    await caller.servers.update({ id, source: { ...npm, version: '2.0.0' } })
    expect(await revision(id)).toMatchObject({ catalog: null })
  })

  it('that takes a required variable away is refused', async () => {
    const { serverId: id } = await deploy({})
    await settle(id)
    const { code, fields } = await refusalOf(
      caller.servers.update({ id, source: { type: 'catalog', slug: 'entry' }, env: {} }),
    )
    expect({ code, fields: Object.keys(fields ?? {}) }).toEqual({
      code: 'BAD_REQUEST',
      fields: ['env.API_KEY'],
    })
  })

  it('goes on after the entry was deleted: the server keeps what it runs with', async () => {
    const { serverId: id } = await deploy({})
    await settle(id)
    const { id: other } = await caller.catalog.create({
      slug: 'gone',
      title: 'Gone',
      description: '',
      release: { version: '1', source: { type: 'npm', package: 'gone' }, transport: 'stdio' },
    })
    const { serverId } = await caller.servers.deploy({
      name: 'of-gone',
      toolboxId: toolbox.id,
      source: { type: 'catalog', slug: 'gone' },
    })
    await settle(serverId)
    await caller.catalog.delete({ id: other })
    expect(await caller.servers.redeploy({ id: serverId })).toMatchObject({ revisionNumber: 1 })
    expect(await revision(serverId)).toMatchObject({ catalog: { slug: 'gone' }, source: { package: 'gone' } })
  })
})

describe('a remote server of the catalog', async () => {
  const remote = (version: string, url: string) => ({
    version,
    source: { type: 'remote' as const, url },
    transport: 'streamable-http' as const,
    headers: [
      { name: 'Authorization', required: true, secret: true },
      { name: 'X-Region', default: 'eu', choices: ['eu', 'us'] },
    ],
  })
  const { id } = await caller.catalog.create({
    slug: 'remote-entry',
    title: 'Remote',
    description: '',
    release: remote('1', 'https://one.example.com/mcp'),
  })
  const source = { type: 'catalog' as const, slug: 'remote-entry' }
  const deployRemote = (headers?: Record<string, string>) =>
    caller.servers.deploy({
      name: `remote-${made++}`,
      toolboxId: toolbox.id,
      source: { ...source, ...(headers && { headers }) },
    })

  it('is deployed with the headers that it asks for, whatever their case, and others of the admin', async () => {
    const { serverId } = await deployRemote({ authorization: 'Bearer abc', 'X-Proxy': 'p' })
    expect(await revision(serverId)).toMatchObject({
      source: { type: 'remote', url: 'https://one.example.com/mcp' },
      catalog: { slug: 'remote-entry', version: '1' },
      headerNames: ['Authorization', 'X-Proxy', 'X-Region'],
    })
  })

  it('of the older transport is deployed over it', async () => {
    const release = { version: '1', source: { type: 'remote' as const, url: 'https://one.example.com/sse' } }
    const entry = { slug: 'older-entry', title: 'Older', description: '' }
    await caller.catalog.create({ ...entry, release: { ...release, transport: 'sse' } })
    const { serverId } = await caller.servers.deploy({
      name: `remote-${made++}`,
      toolboxId: toolbox.id,
      source: { type: 'catalog', slug: 'older-entry' },
    })
    expect(await revision(serverId)).toMatchObject({ source: release.source, transport: 'sse' })
  })

  it.each([
    ['a required header left out', undefined, 'source.headers.Authorization'],
    ['a value that is no choice', { Authorization: 'x', 'X-Region': 'moon' }, 'source.headers.X-Region'],
  ])('with %s is refused', async (_name, headers, field) => {
    const { code, fields } = await refusalOf(deployRemote(headers))
    expect({ code, fields: Object.keys(fields ?? {}) }).toEqual({ code: 'BAD_REQUEST', fields: [field] })
  })

  it('keeps its headers in an update for the same origin, and asks anew for another', async () => {
    const { serverId } = await deployRemote({ Authorization: 'Bearer abc' })
    await settle(serverId)
    await caller.catalog.update({ id, release: remote('2', 'https://one.example.com/v2/mcp') })
    await caller.servers.update({ id: serverId, source })
    expect(await revision(serverId)).toMatchObject({
      source: { url: 'https://one.example.com/v2/mcp' },
      catalog: { version: '2' },
      headerNames: ['Authorization', 'X-Region'],
    })
    await settle(serverId)
    await caller.catalog.update({ id, release: remote('3', 'https://two.example.com/mcp') })
    const { code, fields } = await refusalOf(caller.servers.update({ id: serverId, source }))
    expect({ code, fields: Object.keys(fields ?? {}) }).toEqual({
      code: 'BAD_REQUEST',
      fields: ['source.headers.Authorization'],
    })
  })
})

describe('an image of the catalog', () => {
  it('brings its data along, and so is replaced rather than run beside itself', async () => {
    await caller.catalog.create({
      slug: 'image-entry',
      title: 'Image',
      description: '',
      release: {
        version: '1.0',
        source: { type: 'image', image: 'ghcr.io/example/image:1.0' },
        transport: 'stdio',
        limits: { cpus: 0.5 },
        data: [{ mountPath: '/data' }],
      },
    })
    const { id } = await seedToolbox({ memoryMb: 8192 })
    await query(database.adminUrl, `UPDATE toolboxes SET driver = 'docker' WHERE id = '${id}'`)
    const { serverId } = await caller.servers.deploy({
      name: 'image-server',
      toolboxId: id,
      source: { type: 'catalog', slug: 'image-entry' },
      limits: { memoryMb: 128 },
    })
    expect(await revision(serverId)).toMatchObject({
      source: { type: 'image', image: 'ghcr.io/example/image:1.0' },
      limits: { memoryMb: 128, cpus: 0.5, pids: 256 },
      data: [{ mountPath: '/data' }],
    })
  })
})
