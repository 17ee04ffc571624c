import { expect, it } from 'vitest'
import type { UserCredential } from '#contracts/user-credentials.ts'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { asSystem, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { appRouter } = await import('#server/trpc/router.ts')
const { compareRevisions } = await import('./changes-since-live.ts')
const { loadInstanceSpec } = await import('./spec.ts')
const { loadRevision } = await import('./revision.ts')
const admin = await seedUser({ role: 'ADMIN' })
const toolbox = await seedToolbox({ memoryMb: 100_000 })
const { servers, catalog } = appRouter.createCaller(admin.ctx)
type Deploy = Parameters<typeof servers.deploy>[0]
type Update = Parameters<typeof servers.update>[0]

const TOKEN: UserCredential = { kind: 'env', name: 'TOKEN', description: 'Of your account.', required: true }
const KEY: UserCredential = { kind: 'header', name: 'X-Key', required: true }
const HTTP = { transport: 'streamable-http' } as const

let made = 0
async function deploy(change: Partial<Deploy> = {}) {
  const { serverId, deploymentId } = await servers.deploy({
    name: `asking-${++made}`,
    toolboxId: toolbox.id,
    source: { type: 'npm', package: 'some-server' },
    transport: 'stdio',
    ...change,
  })
  await end(deploymentId)
  return serverId
}
const end = (id: string) =>
  query(
    database.adminUrl,
    `UPDATE deployments SET state = 'failed', failure = '{"code":"SERVER_EXITED"}', finished_at = now(), cleaned_up_at = now() WHERE id = $1`,
    [id],
  )
async function update(id: string, change: Omit<Update, 'id'>) {
  const answer = await servers.update({ id, ...change })
  if (answer.deployment) await end(answer.deployment.deploymentId)
  return answer
}
async function asked(id: string) {
  const { revision } = await servers.get({ id })
  return revision && { sharing: revision.sharing, userCredentials: revision.userCredentials }
}
const refused = async (work: Promise<unknown>) => {
  const { code, fields } = await refusalOf(work)
  return { code, fields: Object.keys(fields ?? {}) }
}

it('stands in the revision, and variables of users keep its sessions apart', async () => {
  expect(await asked(await deploy({ userCredentials: [TOKEN] }))).toEqual({
    sharing: 'isolated',
    userCredentials: [TOKEN],
  })
  const optional: UserCredential = { ...TOKEN, name: 'REGION', required: false }
  const id = await deploy({ userCredentials: [TOKEN, optional] })
  const told = await asSystem(async (db) => {
    const { id: revisionId } = await db.revision.findFirstOrThrow({ where: { serverId: id } })
    return loadInstanceSpec(db, revisionId)
  })
  expect(told).toMatchObject({ sharing: 'isolated', userEnv: ['TOKEN'], env: {} })
  expect(await asked(await deploy({ ...HTTP, userCredentials: [KEY] }))).toEqual({
    sharing: 'shared',
    userCredentials: [KEY],
  })
  expect(await asked(await deploy({ sharing: 'isolated' }))).toEqual({
    sharing: 'isolated',
    userCredentials: [],
  })
  expect(await asked(await deploy())).toEqual({ sharing: 'shared', userCredentials: [] })
})

it('is kept by an update that does not name it, changed and removed by one that does, and carried back', async () => {
  const id = await deploy()
  await update(id, { userCredentials: [TOKEN] })
  await update(id, { env: { LOG_LEVEL: { value: 'debug' } } })
  expect(await asked(id)).toEqual({ sharing: 'isolated', userCredentials: [TOKEN] })
  const optional = { ...TOKEN, required: false }
  expect(await update(id, { userCredentials: [optional] })).toMatchObject({ revisionNumber: 4 })
  expect(await update(id, { userCredentials: [optional] })).toMatchObject({ deployment: null })
  await update(id, { userCredentials: [], sharing: 'shared' })
  expect(await asked(id)).toEqual({ sharing: 'shared', userCredentials: [] })
  const { deploymentId } = await servers.redeploy({ id })
  await end(deploymentId)
  expect(await asked(id)).toEqual({ sharing: 'shared', userCredentials: [] })
  const rolledBack = await servers.rollback({ id, number: 3 })
  await end(rolledBack.deploymentId)
  expect(await asked(id)).toEqual({ sharing: 'isolated', userCredentials: [TOKEN] })
  const audit = await query<{ detail: { changed?: string[] } }>(
    database.adminUrl,
    `SELECT detail FROM audit_entries WHERE action = 'server.update' AND subject_id = $1 ORDER BY id`,
    [id],
  )
  expect(audit[0]?.detail.changed).toEqual(['userCredentials', 'sharing'])
})

it('is told apart from the revision that went live', async () => {
  const id = await deploy({ userCredentials: [TOKEN] })
  await update(id, {
    userCredentials: [
      { ...TOKEN, required: false },
      { ...TOKEN, name: 'REGION' },
    ],
  })
  const [before, after] = await asSystem(async (db) => [
    await loadRevision(db, id, 1),
    await loadRevision(db, id, 2),
  ])
  if (!before || !after) throw new Error('There is no revision.')
  expect(compareRevisions(before, after).changes).toEqual([
    {
      name: 'userCredentials.TOKEN',
      before: 'variable, required: Of your account.',
      after: 'variable, optional: Of your account.',
      secret: false,
    },
    {
      name: 'userCredentials.REGION',
      before: null,
      after: 'variable, required: Of your account.',
      secret: false,
    },
  ])
})

it('is refused with the field where the server cannot be given it, without a trace', async () => {
  const http = await deploy({ ...HTTP, userCredentials: [KEY] })
  const stdio = await deploy({ env: { REGION: { value: 'eu' } } })
  const before = await checksumTables(database.adminUrl)
  const remote = (url: string, headers: Record<string, string> = {}) => ({
    ...HTTP,
    source: { type: 'remote' as const, url, headers },
    userCredentials: [KEY],
  })
  for (const [work, ...fields] of [
    [() => deploy({ ...HTTP, userCredentials: [TOKEN] }), 'userCredentials.0.kind'],
    [() => deploy({ userCredentials: [KEY] }), 'userCredentials.0.kind'],
    [() => deploy({ userCredentials: [{ ...TOKEN, name: 'PATH' }] }), 'userCredentials.0.name'],
    [() => deploy({ userCredentials: [TOKEN], sharing: 'shared' }), 'sharing'],
    [() => deploy(remote('https://host.example/mcp', { 'x-key': 'ours' })), 'userCredentials.0.name'],
    [() => deploy(remote('http://host.example/mcp')), 'source.url'],
    [() => update(stdio, { userCredentials: [{ ...TOKEN, name: 'REGION' }] }), 'userCredentials.0.name'],
    [() => update(stdio, { userCredentials: [TOKEN], data: [{ mountPath: '/data' }] }), 'data'],
    [() => update(http, { transport: 'stdio' }), 'userCredentials.0.kind'],
    [() => update(http, { sharing: 'isolated' }), 'sharing'],
  ] as const)
    expect(await refused(work())).toEqual({ code: 'BAD_REQUEST', fields })
  expect(await checksumTables(database.adminUrl)).toEqual(before)
})

it('comes from a catalog entry, besides what the admin asks for', async () => {
  const release = (version: string, userCredentials: UserCredential[]) => ({
    version,
    source: { type: 'npm' as const, package: 'asks' },
    transport: 'stdio' as const,
    userCredentials,
  })
  const entry = { slug: 'asks', title: 'Asks', description: 'Asks its users.' }
  const { id: entryId } = await catalog.create({ ...entry, release: release('1.0.0', [TOKEN]) })
  const id = await deploy({ source: { type: 'catalog', slug: 'asks' }, transport: undefined })
  expect(await asked(id)).toEqual({ sharing: 'isolated', userCredentials: [TOKEN] })
  const own = { ...TOKEN, name: 'REGION' }
  await update(id, { userCredentials: [TOKEN, own] })
  const renewed = { ...TOKEN, description: 'From your profile.' }
  await catalog.update({ id: entryId, release: release('2.0.0', [renewed]) })
  await update(id, { source: { type: 'catalog', slug: 'asks' } })
  expect(await asked(id)).toEqual({ sharing: 'isolated', userCredentials: [renewed, own] })
  expect(await refused(catalog.update({ id: entryId, release: release('3.0.0', [KEY]) }))).toEqual({
    code: 'BAD_REQUEST',
    fields: ['release.userCredentials.0.kind'],
  })
})
