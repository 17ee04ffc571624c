import { beforeEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { advanceDeployment } = await import('#server/deployments/advance.ts')
const { cancelDeployment } = await import('#server/deployments/cancel.ts')
const { claimServer } = await import('#server/deployments/claim.ts')
const { createDeployment } = await import('#server/deployments/create.ts')
const { deleteServer } = await import('#server/mcp-servers/want.ts')
const admin = await seedUser({ role: 'ADMIN' })

let deploymentId: string
let serverId: string
beforeEach(async () => {
  await query(database.adminUrl, 'TRUNCATE mcp_servers, toolboxes, events CASCADE')
  // Nothing listens at its address.
  const toolbox = await seedToolbox()
  const input = { name: 'server', toolboxId: toolbox.id, transport: 'stdio' as const }
  const source = { type: 'npm' as const, package: 'some-server' }
  ;({ deploymentId, serverId } = await createDeployment({ ctx: admin.ctx, input: { ...input, source } }))
})
const advance = () => advanceDeployment({ deploymentId })
const one = async <Row extends Record<string, unknown>>(sql: string) =>
  (await query<Row>(database.adminUrl, sql))[0]
const deployment = () => one('SELECT state, phase, failure, cleaned_up_at FROM deployments')
const instance = () => one('SELECT desired, accepted, gone_at FROM instances')
const server = () => one('SELECT observed, failure_code, lease_expires_at, deleted_at FROM mcp_servers')

describe('a deployment to a toolbox that cannot be reached', () => {
  it('waits, and gives the lease back between its steps', async () => {
    expect(await advance()).toEqual({ again: expect.any(Number) })
    expect(await deployment()).toMatchObject({ state: 'preparing', phase: 'Waiting for the toolbox' })
    expect(await instance()).toMatchObject({ desired: 'running', accepted: true })
    expect(await server()).toMatchObject({ observed: 'deploying', lease_expires_at: null })
  })

  it('waits just as long when no worker has looked at it for minutes', async () => {
    await query(
      database.adminUrl,
      `UPDATE deployments SET created_at = now() - interval '5 minutes', touched_at = now() - interval '5 minutes'`,
    )
    expect(await advance()).toEqual({ again: expect.any(Number) })
    await query(database.adminUrl, `UPDATE instances SET observed_at = now() - interval '5 minutes'`)
    expect(await advance()).toEqual({ again: expect.any(Number) })
    expect(await deployment()).toMatchObject({ state: 'preparing', phase: 'Waiting for the toolbox' })
  })

  it('fails with its cause after 45 s of trying, and is not done until the toolbox has confirmed the removal', async () => {
    await advance()
    await query(
      database.adminUrl,
      `UPDATE deployment_phases SET started_at = now() - interval '46 seconds' WHERE ended_at IS NULL`,
    )
    expect(await advance()).toEqual({ again: expect.any(Number) })
    expect(await deployment()).toMatchObject({
      state: 'failed',
      failure: { code: 'TOOLBOX_UNREACHABLE', detail: expect.stringContaining('127.0.0.1:4') },
      cleaned_up_at: null,
    })
    expect(await instance()).toMatchObject({ desired: 'absent', gone_at: null })
    expect(await server()).toMatchObject({ observed: 'failed', failure_code: 'TOOLBOX_UNREACHABLE' })
    expect(await advance()).toEqual({ again: expect.any(Number) })
  })
})

describe('a deployment that shall stop', () => {
  it('before it began leaves nothing anywhere', async () => {
    await cancelDeployment({ ctx: admin.ctx, input: { id: deploymentId } })
    expect(await advance()).toBe('done')
    expect(await deployment()).toMatchObject({ state: 'cancelled', cleaned_up_at: expect.any(Date) })
    expect(await instance()).toBeUndefined()
    expect(await advance()).toBe('done')
  })

  it('F9: because its server is deleted ends the server too', async () => {
    await deleteServer({ ctx: admin.ctx, input: { id: serverId, confirmName: 'server' } })
    expect(await server()).toMatchObject({ observed: 'deleting', deleted_at: null })
    expect(await advance()).toBe('done')
    expect(await deployment()).toMatchObject({ state: 'cancelled', failure: { code: 'SUPERSEDED' } })
    expect(await server()).toMatchObject({ deleted_at: expect.any(Date) })
  })

  it('because its time is over fails with the step that it was at', async () => {
    await advance()
    await query(database.adminUrl, `UPDATE deployments SET deadline_at = now()`)
    await advance()
    expect(await deployment()).toMatchObject({
      state: 'failed',
      failure: { code: 'DEPLOYMENT_TIMED_OUT', detail: 'Waiting for the toolbox' },
    })
  })
})

describe('a step', () => {
  it('does nothing while somebody else holds the server', async () => {
    await claimServer(serverId)
    const before = await checksumTables(database.adminUrl, { except: ['deployments'] })
    expect(await advance()).toEqual({ again: expect.any(Number) })
    expect(await checksumTables(database.adminUrl, { except: ['deployments'] })).toEqual(before)
    expect(await deployment()).toMatchObject({ state: 'queued' })
  })

  it('made many times at once makes one instance', async () => {
    await Promise.all(Array.from({ length: 8 }, advance))
    expect(await query(database.adminUrl, 'SELECT 1 FROM instances')).toHaveLength(1)
  })

  it('of what does not exist is done', async () => {
    expect(await advanceDeployment({ deploymentId: crypto.randomUUID() })).toBe('done')
  })
})
