import { afterAll, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { installFailingWrites } from '#testing/failing-writes.ts'
import { refusalOf } from '#testing/refusal.ts'
import { asSystem, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables, tableNames } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { createDeployment } = await import('#server/deployments/create.ts')
const { redeployServer } = await import('#server/deployments/redeploy.ts')
const { rollbackServer } = await import('#server/deployments/rollback.ts')
const { updateServer } = await import('#server/deployments/update.ts')
const { listRevisions } = await import('#server/deployments/revisions.ts')
const { loadInstanceSpec } = await import('#server/deployments/spec.ts')
const { getServer } = await import('#server/mcp-servers/get.ts')
const { stopServer } = await import('#server/mcp-servers/want.ts')
const admin = await seedUser({ role: 'ADMIN' })
const toolbox = await seedToolbox({ memoryMb: 1_000_000 })
const { ctx } = admin
const SECRET = 'sk-very-secret-4711'

let made = 0
/** A server whose first deployment has ended as asked for. */
async function deployed(
  state: 'live' | 'failed',
  input: Partial<Parameters<typeof createDeployment>[0]['input']> = {},
): Promise<string> {
  const { serverId, deploymentId } = await createDeployment({
    ctx,
    input: {
      name: `lifecycle-${++made}`,
      toolboxId: toolbox.id,
      source: { type: 'npm', package: 'some-server', version: '1.0.0' },
      transport: 'stdio',
      env: { API_TOKEN: { value: SECRET, secret: true }, LOG_LEVEL: { value: 'info' } },
      ...input,
    },
  })
  await end(deploymentId, state)
  return serverId
}

/** Ends a deployment as the worker would; a live one gets its instance and the pointer. */
async function end(deploymentId: string, state: 'live' | 'failed'): Promise<void> {
  await asSystem(async (db) => {
    const { serverId, revisionId } = await db.deployment.update({
      where: { id: deploymentId },
      data: {
        state,
        finishedAt: new Date(),
        cleanedUpAt: new Date(),
        ...(state === 'failed' && { failure: { code: 'SERVER_EXITED' } }),
      },
    })
    if (state === 'failed') {
      await db.mcpServer.updateMany({
        where: { id: serverId, liveInstanceId: null },
        data: { observed: 'failed', failureCode: 'SERVER_EXITED' },
      })
      return
    }
    const attempt = (await db.instance.count({ where: { serverId, revisionId } })) + 1
    const instance = await db.instance.create({
      data: {
        serverId,
        revisionId,
        toolboxId: toolbox.id,
        attempt,
        fence: 1,
        observed: 'running',
        accepted: true,
      },
    })
    await db.mcpServer.update({
      where: { id: serverId },
      data: { liveInstanceId: instance.id, observed: 'running' },
    })
  })
}

async function envOf(serverId: string, number: number): Promise<Record<string, string>> {
  const [row] = await query<{ id: string }>(
    database.adminUrl,
    'SELECT id FROM revisions WHERE server_id = $1 AND number = $2',
    [serverId, number],
  )
  return (await asSystem((db) => loadInstanceSpec(db, row?.id ?? ''))).env
}

describe('a redeploy', () => {
  it('deploys the latest revision once more, and lets a failed server be tried again', async () => {
    const id = await deployed('failed')
    const answer = await redeployServer({ ctx, input: { id } })
    expect(answer).toMatchObject({ serverId: id, revisionNumber: 1, status: 'queued' })
    const server = await getServer({ ctx, input: { id } })
    expect({ state: server.state, failure: server.failure, deployments: server.deployments.length }).toEqual({
      state: 'deploying',
      failure: null,
      deployments: 2,
    })
  })

  it('leaves a server that serves as it is until the new instance is live, and while it fails', async () => {
    const id = await deployed('live')
    const { deploymentId } = await redeployServer({ ctx, input: { id } })
    const during = await getServer({ ctx, input: { id } })
    expect(during).toMatchObject({ state: 'running', deployment: { id: deploymentId, state: 'queued' } })
    await end(deploymentId, 'failed')
    expect(await getServer({ ctx, input: { id } })).toMatchObject({
      state: 'running',
      failure: null,
      deployment: { state: 'failed' },
      instance: { revisionNumber: 1 },
    })
  })

  it.each(Array.from({ length: 5 }, (_, at) => at))(
    'at the same moment as another wins, and the other is told (%i)',
    async () => {
      const id = await deployed('live')
      const asked = [
        redeployServer({ ctx, input: { id } }),
        updateServer({ ctx, input: { id, env: {} } }),
        redeployServer({ ctx, input: { id } }),
      ]
      const outcomes = await Promise.allSettled(asked)
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const lost = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [(outcome.reason as { code?: string }).code] : [],
      )
      expect(lost).toEqual(['DEPLOYMENT_IN_PROGRESS', 'DEPLOYMENT_IN_PROGRESS'])
      const going = await query(
        database.adminUrl,
        "SELECT FROM deployments WHERE server_id = $1 AND state = 'queued'",
        [id],
      )
      expect(going).toHaveLength(1)
    },
  )

  it('is refused by the index too, whoever asks', async () => {
    const id = await deployed('live')
    await redeployServer({ ctx, input: { id } })
    const copy = `INSERT INTO deployments (server_id, revision_id, source_key, deadline_at)
      SELECT server_id, revision_id, source_key, deadline_at FROM deployments WHERE server_id = '${id}' LIMIT 1`
    await expect(query(database.adminUrl, copy)).rejects.toThrow('deployments_one_at_a_time')
  })

  it('cannot be undone by a stop: that is refused until it has ended', async () => {
    const id = await deployed('live')
    await redeployServer({ ctx, input: { id } })
    expect(await refusalOf(stopServer({ ctx, input: { id } }))).toMatchObject({
      code: 'DEPLOYMENT_IN_PROGRESS',
    })
  })

  it('of a server whose update failed is of what serves, and of the failed one when that is asked for', async () => {
    const id = await deployed('live')
    const { deployment } = await updateServer({ ctx, input: { id, env: {} } })
    await end(deployment?.deploymentId ?? '', 'failed')
    const again = await redeployServer({ ctx, input: { id } })
    expect(again.revisionNumber).toBe(1)
    await end(again.deploymentId, 'live')
    expect(await redeployServer({ ctx, input: { id, number: 2 } })).toMatchObject({ revisionNumber: 2 })
    expect(await refusalOf(redeployServer({ ctx, input: { id, number: 9 } }))).toMatchObject({
      code: 'NOT_FOUND',
      fields: { number: [expect.any(String)] },
    })
  })

  it('needs room for the new instance beside the old one', async () => {
    const small = await seedToolbox({ memoryMb: 1000 })
    const id = await deployed('live', { toolboxId: small.id, limits: { memoryMb: 400 } })
    await query(database.adminUrl, 'UPDATE instances SET toolbox_id = $1 WHERE server_id = $2', [
      small.id,
      id,
    ])
    expect(await refusalOf(updateServer({ ctx, input: { id, limits: { memoryMb: 601 } } }))).toMatchObject({
      code: 'TOOLBOX_FULL',
      detail: expect.stringContaining('600 MiB'),
    })
    const { deployment } = await updateServer({ ctx, input: { id, limits: { memoryMb: 600 } } })
    expect(deployment?.revisionNumber).toBe(2)
  })

  it('of what is not there, or is being deleted, is refused', async () => {
    const id = await deployed('live')
    await query(database.adminUrl, "UPDATE mcp_servers SET desired = 'deleted' WHERE id = $1", [id])
    expect(await refusalOf(redeployServer({ ctx, input: { id } }))).toMatchObject({ code: 'CONFLICT' })
    await query(database.adminUrl, 'UPDATE mcp_servers SET deleted_at = now() WHERE id = $1', [id])
    expect(await refusalOf(redeployServer({ ctx, input: { id } }))).toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('an update', () => {
  it('writes the next revision, keeps secrets that nobody can read, and deploys it', async () => {
    const id = await deployed('live')
    const answer = await updateServer({
      ctx,
      input: {
        id,
        baseRevision: 1,
        source: { type: 'npm', package: 'some-server', version: '2.0.0' },
        env: { API_TOKEN: { keep: true }, ADDED: { value: 'new' } },
        limits: { cpus: 2 },
      },
    })
    expect(answer).toMatchObject({ revisionNumber: 2, deployment: { revisionNumber: 2, status: 'queued' } })
    expect(await envOf(id, 2)).toEqual({ API_TOKEN: SECRET, ADDED: 'new' })
    const [latest, first] = await listRevisions({ ctx, input: { id } })
    expect(latest).toMatchObject({
      number: 2,
      source: { version: '2.0.0' },
      limits: { cpus: 2, memoryMb: 512 },
      env: [
        { name: 'ADDED', secret: false, value: 'new' },
        { name: 'API_TOKEN', secret: true, value: null },
      ],
    })
    expect(first).toMatchObject({ number: 1, source: { version: '1.0.0' } })
    const [entry] = await query(
      database.adminUrl,
      "SELECT actor, detail FROM audit_entries WHERE action = 'server.update' ORDER BY id DESC LIMIT 1",
    )
    expect(entry).toMatchObject({
      actor: `user:${admin.email}`,
      detail: { from: 1, revision: 2, changed: ['source', 'limits', 'env.ADDED', 'env.LOG_LEVEL'] },
    })
  })

  it('of description and visibility alone holds at once and writes no revision', async () => {
    const id = await deployed('live')
    const kept = { API_TOKEN: { keep: true as const }, LOG_LEVEL: { value: 'info' } }
    const answer = await updateServer({
      ctx,
      input: {
        id,
        description: 'Says what it does',
        visibility: 'restricted',
        env: kept,
        limits: { memoryMb: 512 },
      },
    })
    expect(answer).toEqual({ serverId: id, revisionNumber: 1, deployment: null })
    const server = await getServer({ ctx, input: { id } })
    expect(server).toMatchObject({
      description: 'Says what it does',
      visibility: 'restricted',
      state: 'running',
    })
    await updateServer({ ctx, input: { id, description: null } })
    expect((await getServer({ ctx, input: { id } })).description).toBeNull()
  })

  it('starts from what serves, or from the newest when that is named, though it failed', async () => {
    const id = await deployed('live')
    const failed = await updateServer({ ctx, input: { id, limits: { memoryMb: 300 }, env: {} } })
    await end(failed.deployment?.deploymentId ?? '', 'failed')
    const third = await updateServer({ ctx, input: { id, limits: { cpus: 2 } } })
    expect(await envOf(id, 3)).toMatchObject({ API_TOKEN: SECRET })
    await end(third.deployment?.deploymentId ?? '', 'failed')
    await updateServer({ ctx, input: { id, baseRevision: 3, limits: { pids: 99 } } })
    const [fourth] = await listRevisions({ ctx, input: { id } })
    expect(fourth).toMatchObject({ number: 4, limits: { memoryMb: 512, cpus: 2, pids: 99 } })
    expect(await refusalOf(updateServer({ ctx, input: { id, baseRevision: 2 } }))).toMatchObject({
      code: 'CONFLICT',
    })
  })

  it('names what is wrong with it, and changes nothing', async () => {
    const id = await deployed('live')
    const before = await checksumTables(database.adminUrl)
    const wrong = (input: Partial<Parameters<typeof updateServer>[0]['input']>) =>
      refusalOf(updateServer({ ctx, input: { id, description: 'changed', ...input } }))
    expect(await wrong({ env: { UNKNOWN: { keep: true } } })).toMatchObject({
      code: 'BAD_REQUEST',
      fields: { 'env.UNKNOWN': [expect.any(String)] },
    })
    expect(await wrong({ baseRevision: 7 })).toMatchObject({ code: 'CONFLICT' })
    expect(await wrong({ source: { type: 'image', image: 'nginx' } })).toMatchObject({
      code: 'TOOLBOX_LACKS_DOCKER',
    })
    expect(await wrong({ http: { path: '/mcp', port: { env: 'PORT' } } })).toMatchObject({
      fields: { http: [expect.any(String)] },
    })
    expect(await checksumTables(database.adminUrl)).toEqual(before)
  })
})

describe('a rollback', () => {
  it('deploys a copy of the revision, with the same variables sealed for their new rows', async () => {
    const id = await deployed('live')
    const { deployment } = await updateServer({ ctx, input: { id, env: {} } })
    await end(deployment?.deploymentId ?? '', 'live')
    const answer = await rollbackServer({ ctx, input: { id, number: 1 } })
    expect(answer.revisionNumber).toBe(3)
    expect(await envOf(id, 3)).toEqual({ API_TOKEN: SECRET, LOG_LEVEL: 'info' })
    const sealed = await query<{ n: number }>(
      database.adminUrl,
      `SELECT count(DISTINCT e.ciphertext)::int AS n FROM revision_env e JOIN revisions r ON r.id = e.revision_id
       WHERE r.server_id = $1 AND e.name = 'API_TOKEN'`,
      [id],
    )
    expect(sealed).toEqual([{ n: 2 }])
    const hex = Buffer.from(SECRET).toString('hex')
    for (const name of await tableNames(database.adminUrl)) {
      const found = await query(
        database.adminUrl,
        `SELECT 1 FROM public.${name} t WHERE position('${SECRET}' IN t::text) > 0 OR position('${hex}' IN t::text) > 0`,
      )
      expect({ name, found }).toEqual({ name, found: [] })
    }
  })

  it('to what is not there, or is the latest, names the number', async () => {
    const id = await deployed('live')
    const fields = { number: [expect.any(String)] }
    expect(await refusalOf(rollbackServer({ ctx, input: { id, number: 9 } }))).toMatchObject({
      code: 'NOT_FOUND',
      fields,
    })
    expect(await refusalOf(rollbackServer({ ctx, input: { id, number: 1 } }))).toMatchObject({
      code: 'BAD_REQUEST',
      fields,
    })
  })

  it('that fails at any of its writes leaves no row in any table', { timeout: 60_000 }, async () => {
    const writes = await installFailingWrites(database.adminUrl)
    afterAll(() => writes.failAt(0))
    const rollBack = async (): Promise<{ id: string; run: () => Promise<{ deploymentId: string }> }> => {
      const id = await deployed('live')
      const { deployment } = await updateServer({ ctx, input: { id, env: {} } })
      await end(deployment?.deploymentId ?? '', 'live')
      return { id, run: () => rollbackServer({ ctx, input: { id, number: 1 } }) }
    }
    await (await rollBack()).run()
    const list = await writes.written()
    expect(list).toEqual(
      expect.arrayContaining([
        'insert revisions',
        'insert revision_env',
        'insert deployments',
        'insert outbox',
      ]),
    )
    const { run } = await rollBack()
    const before = await checksumTables(database.adminUrl)
    for (const at of list.keys()) {
      await writes.failAt(at + 1)
      await expect(run(), list[at]).rejects.toThrow('injected')
      expect(await checksumTables(database.adminUrl), list[at]).toEqual(before)
    }
    await writes.failAt(0)
    await run()
  })
})
