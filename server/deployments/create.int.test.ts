import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { type FailingWrites, installFailingWrites } from '#testing/failing-writes.ts'
import { refusalOf } from '#testing/refusal.ts'
import { seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables, countRows, tableNames } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { createDeployment } = await import('#server/deployments/create.ts')
const [admin, alice] = await Promise.all([seedUser({ role: 'ADMIN' }), seedUser()])
const toolbox = await seedToolbox({ memoryMb: 1_000_000 })

let made = 0
const deploy = (input: Partial<Parameters<typeof createDeployment>[0]['input']> = {}) =>
  createDeployment({
    ctx: admin.ctx,
    input: {
      name: `deployed-${++made}`,
      toolboxId: toolbox.id,
      source: { type: 'npm', package: '@scope/some-server' },
      transport: 'stdio',
      ...input,
    },
  })
/** Writes to every table that a deploy ever writes to. */
const FULL = {
  visibility: 'restricted' as const,
  grants: [alice.id],
  env: { LOG_LEVEL: { value: 'debug-me-9137' }, API_TOKEN: { value: 'sk-very-secret-4711', secret: true } },
}

describe('a deploy', () => {
  it('writes exactly its rows', async () => {
    const before = await countRows(database.adminUrl)
    const answer = await deploy({ ...FULL, name: 'exactly' })
    const after = await countRows(database.adminUrl)
    const added = Object.entries(after).flatMap(([name, n]) =>
      n === before[name] ? [] : [[name, n - (before[name] ?? 0)]],
    )
    expect(Object.fromEntries(added)).toEqual({
      mcp_servers: 1,
      server_grants: 1,
      revisions: 1,
      revision_env: 2,
      deployments: 1,
      deployment_phases: 1,
      outbox: 1,
      events: 2,
      audit_entries: 1,
    })
    expect(answer).toEqual({
      serverId: expect.any(String),
      deploymentId: expect.any(String),
      status: 'queued',
      estimatedReadyAt: null,
      estimate: null,
    })
    const [job] = await query(database.adminUrl, 'SELECT queue, payload, relayed_at FROM outbox')
    expect(job).toEqual({
      queue: 'provision',
      payload: { deploymentId: answer.deploymentId },
      relayed_at: null,
    })
    const events = await query(database.adminUrl, 'SELECT type, audience FROM events ORDER BY id')
    expect(events).toEqual([
      { type: 'server.created', audience: ['admins', `user:${alice.id}`] },
      { type: 'deployment.updated', audience: ['admins'] },
    ])
    const [entry] = await query(
      database.adminUrl,
      'SELECT actor, action, subject_id, detail FROM audit_entries',
    )
    expect(entry).toMatchObject({
      actor: `user:${admin.email}`,
      action: 'server.deploy',
      subject_id: answer.serverId,
      detail: { env: ['LOG_LEVEL', 'API_TOKEN'], source: 'npm:@scope/some-server' },
    })
  })

  it('keeps values of variables nowhere in clear', async () => {
    await deploy({ ...FULL })
    const values = Object.values(FULL.env).flatMap(({ value }) => [value, Buffer.from(value).toString('hex')])
    for (const name of await tableNames(database.adminUrl))
      for (const value of values) {
        const found = await query(
          database.adminUrl,
          `SELECT 1 FROM public.${name} t WHERE position('${value}' IN t::text) > 0`,
        )
        expect({ name, value, found }).toEqual({ name, value, found: [] })
      }
    const { loadInstanceSpec } = await import('#server/deployments/spec.ts')
    const { asSystem } = await import('#testing/seeded.ts')
    const [revision] = await query<{ id: string }>(
      database.adminUrl,
      'SELECT id FROM revisions ORDER BY created_at DESC LIMIT 1',
    )
    const spec = await asSystem((db) => loadInstanceSpec(db, revision?.id ?? ''))
    expect(spec.env).toEqual({ LOG_LEVEL: 'debug-me-9137', API_TOKEN: 'sk-very-secret-4711' })
    expect(spec.secretNames).toEqual(['API_TOKEN'])
  })
})

describe('a deploy that fails', () => {
  let writes: FailingWrites
  beforeAll(async () => {
    writes = await installFailingWrites(database.adminUrl)
  })
  afterAll(() => writes.failAt(0))

  it('F1: at any of its writes leaves no row in any table', async () => {
    await deploy(FULL)
    const list = await writes.written()
    expect(list).toEqual([
      'insert mcp_servers',
      'insert server_grants',
      'insert events',
      'insert revisions',
      'insert revision_env',
      'insert deployments',
      'update deployment_phases',
      'insert deployment_phases',
      'insert outbox',
      'insert events',
      'insert audit_entries',
      'update rights_version',
    ])
    const before = await checksumTables(database.adminUrl)
    for (const at of list.keys()) {
      await writes.failAt(at + 1)
      await expect(deploy(FULL), list[at]).rejects.toThrow('injected')
      expect(await checksumTables(database.adminUrl), list[at]).toEqual(before)
    }
    await writes.failAt(0)
    await deploy(FULL)
    expect(await checksumTables(database.adminUrl)).not.toEqual(before)
  })

  it('F1: at COMMIT leaves no row in any table', async () => {
    await query(
      database.adminUrl,
      `CREATE FUNCTION failing.at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused at commit'; END $$;
       CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON audit_entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION failing.at_commit()`,
    )
    const before = await checksumTables(database.adminUrl)
    await expect(deploy(FULL)).rejects.toThrow('refused at commit')
    expect(await checksumTables(database.adminUrl)).toEqual(before)
    await query(database.adminUrl, 'DROP TRIGGER at_commit ON audit_entries')
  })

  it('because its connection was cut leaves no row in any table', async () => {
    await query(
      database.adminUrl,
      `CREATE FUNCTION failing.cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
       BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
       CREATE TRIGGER cut AFTER INSERT ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION failing.cut()`,
    )
    const before = await checksumTables(database.adminUrl)
    await expect(deploy(FULL)).rejects.toThrow(/terminat|connection|closed/i)
    expect(await checksumTables(database.adminUrl)).toEqual(before)
    await query(database.adminUrl, 'DROP TRIGGER cut ON audit_entries')
    await deploy(FULL)
  })
})

describe('two deploys of one name at once', () => {
  it.each(Array.from({ length: 5 }, (_, at) => at))('let one win and tell the other (%i)', async (at) => {
    const name = `raced-${at}`
    const outcomes = await Promise.allSettled([deploy({ name }), deploy({ name })])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const lost = outcomes.find((outcome) => outcome.status === 'rejected')
    const refusal = refusalOf(Promise.resolve().then(() => Promise.reject(lost?.reason as Error)))
    expect(await refusal).toMatchObject({
      code: 'NAME_TAKEN',
      fields: { name: [expect.stringContaining(name)] },
    })
    const rows = await query(database.adminUrl, 'SELECT id FROM mcp_servers WHERE name = $1', [name])
    expect(rows).toHaveLength(1)
  })

  it('give a name free once its server is deleted', async () => {
    const { serverId } = await deploy({ name: 'freed' })
    expect(await refusalOf(deploy({ name: 'freed' }))).toMatchObject({ code: 'NAME_TAKEN' })
    await query(database.adminUrl, 'UPDATE mcp_servers SET deleted_at = now() WHERE id = $1', [serverId])
    await deploy({ name: 'freed' })
  })

  it('do not both get room that is enough for one', async () => {
    const small = await seedToolbox({ memoryMb: 1000 })
    const limits = { memoryMb: 600 }
    const outcomes = await Promise.allSettled([
      deploy({ toolboxId: small.id, limits }),
      deploy({ toolboxId: small.id, limits }),
      deploy({ toolboxId: small.id, limits }),
    ])
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})

describe('estimatedReadyAt', () => {
  it('is the median of this installation’s own deployments of the same source', async () => {
    const source = { type: 'npm' as const, package: 'timed-server' }
    expect((await deploy({ source })).estimatedReadyAt).toBeNull()
    const finish = async (seconds: number, state: string) => {
      const { deploymentId } = await deploy({ source })
      await query(
        database.adminUrl,
        `UPDATE deployments SET state = $2::deployment_state, finished_at = created_at + make_interval(secs => $3),
           failure = CASE WHEN $2 = 'failed' THEN '{"code": "INTERNAL"}'::jsonb END WHERE id = $1`,
        [deploymentId, state, seconds],
      )
    }
    await finish(1, 'failed')
    expect((await deploy({ source })).estimatedReadyAt).toBeNull()
    await finish(10, 'live')
    await finish(20, 'live')
    await finish(300, 'live')
    const answer = await deploy({ source: { ...source, version: '2.0.0' } })
    const [row] = await query<{ created_at: Date; estimated_ready_at: Date }>(
      database.adminUrl,
      'SELECT created_at, estimated_ready_at FROM deployments WHERE id = $1',
      [answer.deploymentId],
    )
    expect(answer.estimatedReadyAt).toBe(row?.estimated_ready_at.toISOString())
    const ahead = Number(row?.estimated_ready_at) - Number(row?.created_at)
    expect(Math.round(ahead / 1000)).toBe(20)
    // The median, and a tenth below the longest of three: 20 + 0.8 * 280.
    expect(answer.estimate).toEqual({ medianMs: 20_000, p90Ms: 244_000, samples: 3 })
    const other = await deploy({ source: { type: 'npm', package: 'untimed-server' } })
    expect(other.estimatedReadyAt).toBeNull()
  })
})
