import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import { asSystem, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { tableNames } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { createDeployment } = await import('#server/deployments/create.ts')
const { updateServer } = await import('#server/deployments/update.ts')
const { listRevisions } = await import('#server/deployments/revisions.ts')
const { loadInstanceSpec } = await import('#server/deployments/spec.ts')
const { getServer } = await import('#server/mcp-servers/get.ts')
const { ctx } = await seedUser({ role: 'ADMIN' })
const toolbox = await seedToolbox({ memoryMb: 1_000_000 })
const TOKEN = 'Bearer remote-secret-4711'

type Input = Parameters<typeof createDeployment>[0]['input']
let made = 0
const deploy = (change: Partial<Input> & { headers?: Record<string, string>; url?: string } = {}) => {
  const { headers, url = 'https://mcp.example/v1/mcp?team=1', ...rest } = change
  const source = { type: 'remote' as const, url, ...(headers && { headers }) }
  const name = `remote-${++made}`
  return createDeployment({
    ctx,
    input: { name, toolboxId: toolbox.id, source, transport: 'streamable-http', ...rest },
  })
}
const refused = async (promise: Promise<unknown>) => Object.keys((await refusalOf(promise)).fields ?? {})
/** Makes room for the next deployment of the server. */
const settle = () =>
  query(
    database.adminUrl,
    `UPDATE deployments SET state = 'failed', failure = '{"code": "INTERNAL"}', finished_at = now(), cleaned_up_at = now() WHERE finished_at IS NULL`,
  )
async function specOf(serverId: string, number: number) {
  const [row] = await query<{ id: string }>(
    database.adminUrl,
    'SELECT id FROM revisions WHERE server_id = $1 AND number = $2',
    [serverId, number],
  )
  return asSystem((db) => loadInstanceSpec(db, row?.id ?? ''))
}

describe('a remote server', () => {
  it('keeps its headers sealed: the agent gets them, pages get their names, no table has them in clear', async () => {
    const { serverId } = await deploy({ headers: { Authorization: TOKEN, 'X-Team': 'blue' } })
    expect(await specOf(serverId, 1)).toMatchObject({
      source: {
        type: 'remote',
        url: 'https://mcp.example/v1/mcp?team=1',
        headers: { Authorization: TOKEN, 'X-Team': 'blue' },
      },
      limits: { memoryMb: 64 },
      env: {},
    })
    const server = await getServer({ ctx, input: { id: serverId } })
    expect(server.revision).toMatchObject({ headerNames: ['Authorization', 'X-Team'], rollout: 'beside' })
    expect(server.source).toEqual({ type: 'remote', url: 'https://mcp.example/v1/mcp?team=1' })
    expect(JSON.stringify([server, await listRevisions({ ctx, input: { id: serverId } })])).not.toContain(
      TOKEN,
    )
    const hex = Buffer.from(TOKEN).toString('hex')
    for (const name of await tableNames(database.adminUrl)) {
      const found = await query(
        database.adminUrl,
        `SELECT 1 FROM public.${name} t WHERE position('${TOKEN}' IN t::text) > 0 OR position('${hex}' IN t::text) > 0`,
      )
      expect({ name, found }).toEqual({ name, found: [] })
    }
  })

  it.each<[string, Parameters<typeof deploy>[0], string]>([
    ['credentials in its URL', { url: 'https://user:word@mcp.example/' }, 'source.url'],
    ['a fragment in its URL', { url: 'https://mcp.example/#a' }, 'source.url'],
    ['headers over plain http', { url: 'http://mcp.example/', headers: { A: 'b' } }, 'source.url'],
    ['a header that the toolbox sets', { headers: { Host: 'x' } }, 'source.headers.Host'],
    ['a header of the protocol', { headers: { 'Mcp-Session-Id': 'x' } }, 'source.headers.Mcp-Session-Id'],
    ['a header given twice', { headers: { 'x-a': '1', 'X-A': '2' } }, 'source.headers.X-A'],
    ['stdio', { transport: 'stdio' }, 'transport'],
    ['an endpoint', { http: { path: '/mcp', port: { env: 'PORT' } } }, 'http'],
    ['variables', { env: { A: { value: 'b' } } }, 'env'],
    ['data', { data: [{ mountPath: '/data' }] }, 'data'],
  ])('with %s is refused, and the field named', async (_what, input, field) => {
    expect(await refused(deploy(input))).toEqual([field])
  })

  it('may have headers over plain http where it is on the toolbox itself or in its network', async () => {
    for (const host of ['127.0.0.1:1', 'localhost:1', '[::1]:1', '10.0.0.1', 'intranet', 'mcp.internal'])
      expect(await deploy({ url: `http://${host}/mcp`, headers: { A: 'b' } })).toMatchObject({
        status: 'queued',
      })
    expect(await deploy({ url: 'http://mcp.example/mcp' })).toMatchObject({ status: 'queued' })
  })

  it('keeps its headers in an update, by name or as a whole, but never for another origin', async () => {
    const { serverId: id } = await deploy({ headers: { Authorization: TOKEN, 'X-Team': 'blue' } })
    await settle()
    const change = (url: string, headers?: Record<string, string | { keep: true }>) =>
      updateServer({ ctx, input: { id, source: { type: 'remote', url, ...(headers && { headers }) } } })
    expect(await refused(change('https://other.example/mcp'))).toEqual(['source.headers'])
    expect(await refused(change('https://mcp.example:8443/mcp', { Authorization: { keep: true } }))).toEqual([
      'source.headers.Authorization',
    ])
    expect(await refused(change('https://mcp.example/mcp', { New: { keep: true } }))).toEqual([
      'source.headers.New',
    ])
    await change('https://mcp.example/v2/mcp')
    await settle()
    expect((await specOf(id, 2)).source).toMatchObject({
      headers: { Authorization: TOKEN, 'X-Team': 'blue' },
    })
    await change('https://mcp.example/v2/mcp', { Authorization: { keep: true }, 'X-New': '1' })
    await settle()
    expect((await specOf(id, 3)).source).toMatchObject({ headers: { Authorization: TOKEN, 'X-New': '1' } })
    await change('https://other.example/mcp', { Authorization: 'another' })
    await settle()
    expect((await specOf(id, 4)).source).toMatchObject({ headers: { Authorization: 'another' } })
    const [audit] = await query<{ detail: { changed: string[] } }>(
      database.adminUrl,
      "SELECT detail FROM audit_entries WHERE action = 'server.update' ORDER BY id DESC LIMIT 1",
    )
    expect(audit?.detail.changed).toEqual(['source', 'headers.Authorization', 'headers.X-New'])
  })

  it('can become a package, and the other way round', async () => {
    const { serverId: id } = await deploy({ headers: { Authorization: TOKEN } })
    await settle()
    const npm = { type: 'npm' as const, package: 'some-server' }
    await updateServer({ ctx, input: { id, source: npm, transport: 'stdio' } })
    await settle()
    expect(await specOf(id, 2)).toMatchObject({ source: { type: 'npm' }, limits: { memoryMb: 512 } })
    await updateServer({ ctx, input: { id, source: { type: 'remote', url: 'https://mcp.example/mcp' } } })
    expect(await specOf(id, 3)).toMatchObject({ transport: 'streamable-http', source: { headers: {} } })
  })
})
