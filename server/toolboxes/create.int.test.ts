import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { packNode } from '#scripts/pack-agent/pack-node.ts'
import { packForTest } from '#testing/agent-package.ts'
import { sendRaw } from '#testing/agent-requests.ts'
import { query } from '#testing/database.ts'
import { present } from '#testing/present.ts'
import { refusalOf } from '#testing/refusal.ts'
import { asSystem, HOST, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const packed = await packForTest()
await packNode(packed.folder)
const { database } = await useSeededInstallation({
  AGENT_FOLDER: packed.folder,
  PUBLIC_URL: 'https://toolberth.test',
})
const { env } = await import('#server/env.ts')
const { createToolbox } = await import('./create.ts')
const { createIdentity } = await import('#protocol/identity.ts')
const { renewEnrollment } = await import('./enrollment.ts')
const { getToolbox, listToolboxes } = await import('./list.ts')
const { getOverview } = await import('#server/status/overview.ts')
const { download } = await import('./download.ts')
const admin = await seedUser({ role: 'ADMIN' })
const { ctx } = admin

beforeEach(async () => {
  await query(database.adminUrl, 'TRUNCATE mcp_servers, toolboxes CASCADE')
  await query(database.adminUrl, 'TRUNCATE events')
})
const create = (name = 'office') => createToolbox({ ctx, input: { kind: 'host', name } })
const tokenOf = async (name?: string) => {
  const { toolbox, enrollment } = await create(name)
  return { id: toolbox.id, token: enrollment?.token ?? '' }
}
const report = (token: string, change: object = {}) =>
  sendRaw('/api/dtma/bootstrap', {
    method: 'POST',
    body: JSON.stringify({ token, step: 'fetch', state: 'running', message: 'Fetching', ...change }),
  })
const enroll = async (token: string, change: object = {}) => {
  const { certificate } = await createIdentity('agent')
  return sendRaw('/api/dtma/enroll', {
    method: 'POST',
    body: JSON.stringify({
      token,
      certificate,
      advertisedUrl: 'https://192.0.2.1:7443',
      agentVersion: '0.1.0',
      protocolVersions: [1],
      driver: 'process',
      isolation: 'uid',
      host: HOST,
      ...change,
    }),
  })
}

describe('a toolbox on another machine', () => {
  it('waits for its agent, and is answered with a token and three ways to use it', async () => {
    const { toolbox, enrollment } = await create()
    expect(toolbox).toMatchObject({ name: 'office', kind: 'host', state: 'enrolling', upgradable: false })
    const { token, commands, script } = present(enrollment)
    expect(token).toMatch(/^tbe_/)
    for (const command of Object.values(commands)) {
      expect(command).toContain(token)
      expect(command).toContain('https://toolberth.test/api/dtma/install.sh')
    }
    expect(commands.checked).toContain(script.sha256)
    expect(commands.docker).toContain(script.sha256)
    const [audit] = await query(
      database.adminUrl,
      `SELECT detail FROM audit_entries WHERE action = 'toolbox.create' AND subject_id = $1`,
      [toolbox.id],
    )
    expect(audit).toMatchObject({ detail: { name: 'office', kind: 'host' } })
    const events = await query(database.adminUrl, 'SELECT type, audience FROM events')
    expect(events).toEqual([{ type: 'toolbox.created', audience: ['admins'] }])
  })

  it('F16: has its one-time token stored as a hash, and no other secret leaves with the script', async () => {
    const { token } = await tokenOf()
    const rows = await query<{ dump: string }>(
      database.adminUrl,
      `SELECT (SELECT json_agg(e) FROM toolbox_enrollments e)::text || (SELECT json_agg(t) FROM toolboxes t)::text
         || coalesce((SELECT json_agg(e) FROM events e)::text, '') || (SELECT json_agg(a) FROM audit_entries a)::text AS dump`,
    )
    expect(rows[0]?.dump).toContain(createHash('sha256').update(token).digest('hex'))
    expect(rows[0]?.dump).not.toContain(token.slice(4))
    const text = await (await download('install.sh', new Request('http://x'))).text()
    for (const secret of [env.DATABASE_URL, env.REDIS_URL, new URL(env.DATABASE_URL).password, token])
      expect(text).not.toContain(secret)
    expect(text).not.toMatch(/MASTER_KEY|DATABASE_|REDIS_/)
  })

  it('F16: two machines get keys of their own, and neither speaks for the other', async () => {
    const [one, two] = [await tokenOf('one-box'), await tokenOf('two-box')]
    expect(one.token).not.toBe(two.token)
    expect((await enroll(one.token)).status).toBe(200)
    expect((await enroll(one.token)).status).toBe(401)
    const answer = await enroll(two.token)
    expect(answer).toMatchObject({ status: 200, body: { toolboxId: two.id } })
    const rows = await query<{ certificate: string }>(database.adminUrl, 'SELECT certificate FROM toolboxes')
    expect(new Set(rows.map(({ certificate }) => certificate)).size).toBe(2)
  })

  it('needs a name of its own', async () => {
    await create()
    expect(await refusalOf(create())).toMatchObject({
      code: 'TOOLBOX_NAME_TAKEN',
      fields: { name: ['There is a toolbox named "office" already.'] },
    })
  })

  it('gets a new token that makes the one before worthless, and keeps its key until then', async () => {
    const { id, token } = await tokenOf()
    const next = await renewEnrollment({ ctx, input: { id } })
    expect((await enroll(token)).body.error?.code).toBe('ENROLLMENT_INVALID')
    expect((await enroll(next.token)).status).toBe(200)
    expect((await enroll(next.token)).body.error?.code).toBe('ENROLLMENT_INVALID')
    const local = await seedToolbox()
    expect(await refusalOf(renewEnrollment({ ctx, input: { id: local.id } }))).toMatchObject({
      code: 'TOOLBOX_IS_LOCAL',
    })
  })

  it('loses its token with time', async () => {
    const { token } = await tokenOf()
    await query(database.adminUrl, `UPDATE toolbox_enrollments SET expires_at = now() - interval '1 s'`)
    expect((await enroll(token)).body.error?.code).toBe('ENROLLMENT_INVALID')
    expect((await report(token)).body.error?.code).toBe('ENROLLMENT_INVALID')
  })
})

describe('F14: what the installation says', () => {
  it('stands at its toolbox, step by step, and a failure with its cause and what to do', async () => {
    const { id, token } = await tokenOf()
    expect(await report(token)).toEqual({ status: 200, body: { ok: true } })
    expect(await getToolbox({ ctx, input: { id } })).toMatchObject({
      bootstrap: { step: 'fetch', message: 'Fetching' },
      failure: null,
    })
    await report(token, { step: 'node', state: 'failed', message: 'No Node for riscv64.' })
    const failed = await getToolbox({ ctx, input: { id } })
    expect(failed).toMatchObject({
      state: 'enrolling',
      failure: { code: 'TOOLBOX_BOOTSTRAP_FAILED', detail: 'node: No Node for riscv64.' },
    })
    // Mended and tried again: the token still works, and the failure is gone.
    expect((await enroll(token)).status).toBe(200)
    expect(await getToolbox({ ctx, input: { id } })).toMatchObject({ failure: null, bootstrap: null })
  })

  it('is refused without a token that could still enrol, and reaches no other toolbox', async () => {
    const { token } = await tokenOf()
    const other = await tokenOf('other')
    await enroll(token)
    for (const wrong of [token, `${other.token}x`, 'nonsense-of-enough-length'])
      expect(await report(wrong, { state: 'failed' })).toMatchObject({
        status: 401,
        body: { error: { code: 'ENROLLMENT_INVALID' } },
      })
    expect(await getToolbox({ ctx, input: { id: other.id } })).toMatchObject({
      failure: null,
      bootstrap: null,
    })
  })

  it.each([
    ['no body', {}],
    ['a huge message', { message: 'x'.repeat(3000) }],
    ['another state', { state: 'done' }],
    ['an empty step', { step: '' }],
  ])('with %s is refused, naming the field', async (name, change) => {
    const { token } = await tokenOf()
    const body = name === 'no body' ? {} : { token, step: 'a', state: 'running', message: 'b', ...change }
    const answer = await sendRaw('/api/dtma/bootstrap', { method: 'POST', body: JSON.stringify(body) })
    expect(answer.status).toBe(400)
    expect(answer.body.error?.message).toMatch(/^(token|message|state|step): /)
  })

  it('never shows the token', async () => {
    const { id, token } = await tokenOf()
    await report(token, { state: 'failed', message: `curl --token ${token} failed` })
    const { failure } = await getToolbox({ ctx, input: { id } })
    expect(failure?.detail).toContain('[redacted]')
    expect(failure?.detail).not.toContain(token)
  })
})

it('F15: a half-made toolbox breaks neither lists nor dashboard nor deployments', async () => {
  await seedToolbox({ name: 'whole' })
  for (const state of ['provisioning', 'enrolling', 'failed', 'deleting', 'unreachable', 'draining'] as const)
    await asSystem((db) => db.toolbox.create({ data: { name: `half-${state}`, kind: 'droplet', state } }))
  await asSystem((db) =>
    db.toolbox.create({
      data: {
        name: 'half-nonsense',
        kind: 'host',
        state: 'failed',
        host: { cpus: 'x' },
        failure: { code: 1 },
      },
    }),
  )
  const { items } = await listToolboxes({ ctx })
  expect(items).toHaveLength(8)
  for (const { id, name } of items)
    expect(await getToolbox({ ctx, input: { id } })).toMatchObject({ name, serverCount: 0 })
  const overview = await getOverview({ ctx })
  expect(overview.toolboxes.byState).toMatchObject({ active: 1, provisioning: 1 })
  const { createDeployment } = await import('#server/deployments/create.ts')
  const { serverId } = await createDeployment({
    ctx,
    input: { name: 'lands', source: { type: 'npm', package: 'some-server' }, transport: 'stdio' },
  })
  const [row] = await query(
    database.adminUrl,
    'SELECT t.name FROM mcp_servers s JOIN toolboxes t ON t.id = s.toolbox_id WHERE s.id = $1',
    [serverId],
  )
  expect(row).toEqual({ name: 'whole' })
})

describe('what a new machine fetches', () => {
  const get = (name: string, headers: Record<string, string> = {}) =>
    download(name, new Request(`http://x/${name}`, { headers }))
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

  it('is the agent with its checksum, also as a tag that saves fetching it again', async () => {
    const answer = await get('agent.tgz')
    expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(packed.sha256)
    expect(answer.headers.get('etag')).toBe(`"${packed.sha256}"`)
    expect(await (await get('agent.tgz.sha256')).text()).toBe(`${packed.sha256}  agent.tgz\n`)
    expect((await get('agent.tgz', { 'if-none-match': `"${packed.sha256}"` })).status).toBe(304)
  })

  it('is a script that knows where it came from and what the agent has to be', async () => {
    const text = await (await get('install.sh')).text()
    expect(text).toMatch(/^#!\/bin\/sh\n/)
    expect(text).toContain(`AGENT_SHA256='${packed.sha256}'`)
    expect(text).toContain("CONTROL_PLANE_URL='https://toolberth.test'")
    expect(text).not.toMatch(/'@[A-Z0-9_]+@'/)
    expect(await (await get('install.sh.sha256')).text()).toBe(`${sha256(Buffer.from(text))}  install.sh\n`)
  })

  it('is Node for machines like this one', async () => {
    const text = await (await get('install.sh')).text()
    const platform = `${process.platform}-${process.arch}`
    expect(text).toContain(`NODE_PLATFORM='${platform}'`)
    const answer = await get(`node-${platform}.gz`)
    const program = gunzipSync(new Uint8Array(await answer.arrayBuffer()))
    expect(text).toContain(`NODE_SHA256='${sha256(program)}'`)
    expect((await get('node-plan9-mips.gz')).status).toBe(404)
  })

  it.each(['agent.json', '../package.json', 'nonsense', ''])('is not "%s"', async (name) => {
    expect((await get(name)).status).toBe(404)
  })
})

it('an agent of the same sources has the same checksum', async () => {
  expect((await packForTest()).sha256).toBe(packed.sha256)
})
