import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { asSystem, seedServer, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { appRouter } = await import('#server/trpc/router.ts')
const admin = await seedUser({ role: 'ADMIN' })
const toolbox = await seedToolbox({ memoryMb: 100_000 })
const caller = appRouter.createCaller(admin.ctx)

const NPM = { type: 'npm', package: 'some-server' }
/** As it comes over HTTP: of no type yet. */
const deploy = (input: Record<string, unknown>) =>
  caller.servers.deploy({
    name: 'server',
    toolboxId: toolbox.id,
    source: NPM,
    transport: 'stdio',
    ...input,
  } as Parameters<typeof caller.servers.deploy>[0])

/** Refused with this code, naming these fields, and without a trace. */
async function refused(input: Record<string, unknown>, code: string, ...fields: string[]): Promise<void> {
  const before = await checksumTables(database.adminUrl)
  const refusal = await refusalOf(deploy(input))
  expect({ code: refusal.code, fields: Object.keys(refusal.fields ?? {}) }).toEqual({ code, fields })
  expect(await checksumTables(database.adminUrl)).toEqual(before)
}

describe('names', () => {
  it.each([
    '',
    'ab',
    'a'.repeat(41),
    'With-Capitals',
    'with space',
    'with_underscore',
    '-leading',
    'trailing-',
    'two--dashes',
    'dot.ted',
    'ünïcode',
    'new\nline',
    'nul\0name',
    '../../etc',
    '"; DROP TABLE users; --',
    'https://github.com/x/y/blob/main/Dockerfile',
  ])('%j is refused', (name) => refused({ name }, 'BAD_REQUEST', 'name'))

  it.each(['abc', 'a'.repeat(40), '123', 'a-b-c', '0-0'])('%j is taken', async (name) => {
    expect(await deploy({ name })).toMatchObject({ status: 'queued' })
  })

  it('are unique, whatever case the database is asked with', async () => {
    await deploy({ name: 'unique' })
    await refused({ name: 'unique' }, 'NAME_TAKEN', 'name')
    const insert = `INSERT INTO mcp_servers (name, toolbox_id) VALUES ('UNIQUE', '${toolbox.id}')`
    await expect(query(database.adminUrl, insert)).rejects.toThrow('violates')
  })
})

describe('the toolbox', () => {
  it('must exist', () => refused({ toolboxId: randomUUID() }, 'TOOLBOX_NOT_FOUND', 'toolboxId'))
  it('must be named by an id', () => refused({ toolboxId: 'local' }, 'BAD_REQUEST', 'toolboxId'))

  it.each(['provisioning', 'enrolling', 'unreachable', 'draining', 'failed', 'deleting'] as const)(
    'must not be %s',
    async (state) => {
      const box = await seedToolbox()
      await asSystem((db) => db.toolbox.update({ where: { id: box.id }, data: { state } }))
      await refused({ toolboxId: box.id }, 'TOOLBOX_NOT_ACTIVE')
    },
  )

  it('must have room for the limits of all its servers, which failed ones do not take', async () => {
    const box = await seedToolbox({ memoryMb: 1024 })
    const taken = await seedServer(box.id, { memoryMb: 600 })
    await refused({ toolboxId: box.id, limits: { memoryMb: 512 } }, 'TOOLBOX_FULL')
    const refusal = await refusalOf(deploy({ toolboxId: box.id, limits: { memoryMb: 512 } }))
    expect(refusal.detail).toContain(`${box.name} has 424 MiB of memory left, the server may use 512 MiB.`)
    await asSystem((db) => db.mcpServer.update({ where: { id: taken.id }, data: { observed: 'failed' } }))
    await deploy({ name: 'fits', toolboxId: box.id, limits: { memoryMb: 512 } })
  })

  it('is the active one with the most room when none is named', async () => {
    const roomy = await seedToolbox({ memoryMb: 500_000 })
    const { serverId } = await deploy({ name: 'anywhere', toolboxId: undefined })
    const [row] = await query(database.adminUrl, 'SELECT toolbox_id FROM mcp_servers WHERE id = $1', [
      serverId,
    ])
    expect(row).toEqual({ toolbox_id: roomy.id })
    await asSystem((db) => db.toolbox.updateMany({ data: { state: 'unreachable' } }))
    await refused({ toolboxId: undefined }, 'NO_TOOLBOX_AVAILABLE')
    await asSystem((db) => db.toolbox.update({ where: { id: toolbox.id }, data: { state: 'active' } }))
  })
})

describe('an image', () => {
  const image = { type: 'image' as const, image: 'ghcr.io/owner/name:1' }

  it('needs a toolbox that runs containers, and is told where there is one', async () => {
    const onProcesses = await refusalOf(deploy({ source: image, toolboxId: toolbox.id }))
    expect(onProcesses).toMatchObject({
      code: 'TOOLBOX_LACKS_DOCKER',
      detail: `${toolbox.name} runs npm packages as processes.`,
    })
    const anywhere = await refusalOf(deploy({ source: image, toolboxId: undefined }))
    expect(anywhere).toMatchObject({
      code: 'TOOLBOX_LACKS_DOCKER',
      detail: 'No active toolbox runs containers.',
    })
    const docker = await seedToolbox()
    await asSystem((db) => db.toolbox.update({ where: { id: docker.id }, data: { driver: 'docker' } }))
    const told = await refusalOf(deploy({ source: image, toolboxId: toolbox.id }))
    expect(told.detail).toContain(`${docker.name} (`)
    const { serverId } = await deploy({ name: 'from-an-image', source: image, toolboxId: undefined })
    const rows = await query(database.adminUrl, 'SELECT toolbox_id FROM mcp_servers WHERE id = $1', [
      serverId,
    ])
    expect(rows).toEqual([{ toolbox_id: docker.id }])
    const [{ source_key: key } = {}] = await query<{ source_key: string }>(
      database.adminUrl,
      'SELECT source_key FROM deployments WHERE server_id = $1',
      [serverId],
    )
    expect(key).toBe('image:ghcr.io/owner/name')
  })
})

describe('the source', () => {
  it.each([
    [{ type: 'image', image: 'https://example.test/Dockerfile' }, 'BAD_REQUEST', 'source.image'],
    [{ type: 'remote', url: 'ftp://example.test/mcp' }, 'BAD_REQUEST', 'source.url'],
    [{ type: 'catalog', slug: 'unknown-entry' }, 'BAD_REQUEST', 'source.slug'],
    [{ type: 'git', url: 'x' }, 'BAD_REQUEST', 'source.type'],
    [{ type: 'npm' }, 'BAD_REQUEST', 'source.package'],
    [{ ...NPM, package: '--global' }, 'BAD_REQUEST', 'source.package'],
    [{ ...NPM, package: '../escape' }, 'BAD_REQUEST', 'source.package'],
    [{ ...NPM, package: 'Upper' }, 'BAD_REQUEST', 'source.package'],
    [{ ...NPM, package: 'git+https://example.test/x' }, 'BAD_REQUEST', 'source.package'],
    [{ ...NPM, package: '@scope/-rf' }, 'BAD_REQUEST', 'source.package'],
    [{ ...NPM, version: '--registry=https://evil.test' }, 'BAD_REQUEST', 'source.version'],
    [{ ...NPM, version: 'https://example.test/x.tgz' }, 'BAD_REQUEST', 'source.version'],
    [{ ...NPM, bin: '../../bin/sh' }, 'BAD_REQUEST', 'source.bin'],
    [{ ...NPM, bin: '..' }, 'BAD_REQUEST', 'source.bin'],
    [{ ...NPM, args: ['fine', 'nul\0'] }, 'BAD_REQUEST', 'source.args.1'],
    [{ ...NPM, args: ['half a \ud800 pair'] }, 'BAD_REQUEST', 'source.args.0'],
    [{ ...NPM, args: Array.from({ length: 65 }, () => 'x') }, 'BAD_REQUEST', 'source.args'],
    [{ ...NPM, registry: 'https://evil.test' }, 'BAD_REQUEST', 'source'],
  ])('%j is refused', (source, code, field) => refused({ source }, code, field))
})

describe('transport and endpoint', () => {
  it('an endpoint needs a server that listens', () => refused({ http: {} }, 'BAD_REQUEST', 'http'))
  it.each([
    [{ path: 'mcp' }, 'http.path'],
    [{ path: '/a b' }, 'http.path'],
    [{ port: { fixed: 80 } }, 'http.port'],
    [{ port: { arg: 'nul\0' } }, 'http.port'],
  ])('%j is refused', async (http, field) => {
    const refusal = await refusalOf(deploy({ transport: 'streamable-http', http }))
    expect(refusal.code).toBe('BAD_REQUEST')
    expect(Object.keys(refusal.fields ?? {})[0]).toMatch(field)
  })
})

describe('variables', () => {
  it.each(['HOME', 'PATH', 'NODE_OPTIONS', 'LD_PRELOAD', 'path'])('%s is the toolbox’s own', (name) =>
    refused({ env: { [name]: { value: 'x' } } }, 'BAD_REQUEST', `env.${name}`),
  )
  it.each(['1ST', 'WITH-DASH', 'WITH SPACE', '', 'A=B', 'NUL\0'])('%j is no name', (name) =>
    refused({ env: { [name]: { value: 'x' } } }, 'BAD_REQUEST', `env.${name}`),
  )
  it.each([
    ['null', 'nul\0'],
    ['half a pair', 'half \ud800'],
    ['too long', 'x'.repeat(32_769)],
  ])('%s: no value', (_, value) => refused({ env: { A: { value } } }, 'BAD_REQUEST', 'env.A.value'))
  it('are at most 100', () =>
    refused(
      { env: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`V${at}`, { value: 'x' }])) },
      'BAD_REQUEST',
      'env',
    ))
})

describe('beside a worker', () => {
  it('a taken name is refused while a worker holds that server and checks a foreign key to the toolbox', async () => {
    await seedServer(toolbox.id, { name: 'held-by-worker' })
    const held = Promise.withResolvers<void>()
    const waited = Promise.withResolvers<void>()
    const worker = asSystem(async (db) => {
      await db.$executeRaw`UPDATE mcp_servers SET lease_expires_at = now() WHERE name = 'held-by-worker'`
      held.resolve()
      await waited.promise
      await db.$queryRaw`SELECT id FROM toolboxes WHERE id = ${toolbox.id}::uuid FOR KEY SHARE`
    })
    await held.promise
    const refusal = refusalOf(deploy({ name: 'held-by-worker' }))
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
    await expect.poll(() => query(database.adminUrl, waiting)).toHaveLength(1)
    waited.resolve()
    await worker
    expect((await refusal).code).toBe('NAME_TAKEN')
  })
  it('says what is wrong with the name of a variable', async () => {
    const refusal = await refusalOf(deploy({ env: { '1A': { value: 'x' } } }))
    expect(refusal.fields?.['env.1A']?.[0]).toContain('not starting with a digit')
  })
})

describe('limits, grants and text', () => {
  it.each([{ memoryMb: 1 }, { memoryMb: 1e9 }, { cpus: 0 }, { pids: 1.5 }])('%j is refused', (limits) =>
    refused({ limits }, 'BAD_REQUEST', `limits.${Object.keys(limits)[0]}`),
  )
  it('a grant needs a user', () => refused({ grants: [randomUUID()] }, 'BAD_REQUEST', 'grants'))
  it('the same user granted twice, in another case too, is one grant', async () => {
    const user = await seedUser()
    const { serverId } = await deploy({ name: 'granted', grants: [user.id, user.id.toUpperCase()] })
    const rows = await query(database.adminUrl, 'SELECT user_id FROM server_grants WHERE server_id = $1', [
      serverId,
    ])
    expect(rows).toEqual([{ user_id: user.id }])
  })
  it.each([
    ['null', 'nul\0'],
    ['half a pair', 'half \udc00'],
    ['too long', 'x'.repeat(501)],
  ])('%s: no description', (_, description) => refused({ description }, 'BAD_REQUEST', 'description'))
  it.each([
    { privileged: true },
    { capAdd: ['ALL'] },
    { user: 'root' },
    { securityOpt: [] },
    { mounts: ['/'] },
  ])('F35: no field of a deploy asks for more rights: %j is unknown', (field) =>
    refused(field, 'BAD_REQUEST', 'input'),
  )
})
