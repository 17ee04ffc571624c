import { beforeEach, describe, expect, it } from 'vitest'
import { packForTest } from '#testing/agent-package.ts'
import { heartbeatOf, sendSigned } from '#testing/agent-requests.ts'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import {
  asSystem,
  HOST,
  seedToolbox,
  seedUser,
  type TestToolbox,
  useSeededInstallation,
} from '#testing/seeded.ts'

const { sha256: ours, folder } = await packForTest()
const { database } = await useSeededInstallation({ AGENT_FOLDER: folder })
const { getToolbox } = await import('./list.ts')
const { upgradeToolbox } = await import('./upgrade.ts')
const { sendUpgrades } = await import('./send-upgrades.ts')
const { pruneMetrics, readMetrics } = await import('./metrics.ts')
const { skewOf } = await import('./version.ts')
const { ctx } = await seedUser({ role: 'ADMIN' })
const OLD = 'a'.repeat(64)

let box: TestToolbox
let sequence: number
beforeEach(async () => {
  await query(database.adminUrl, 'TRUNCATE mcp_servers, toolboxes CASCADE')
  box = await seedToolbox({ name: 'box' })
  await query(database.adminUrl, `UPDATE toolboxes SET kind = 'host'`)
  sequence = 0
})
const beat = (change: Parameters<typeof heartbeatOf>[1] = {}) =>
  sendSigned(box, '/api/dtma/heartbeat', heartbeatOf(box, { sequence: sequence++, ...change }))
const get = () => getToolbox({ ctx, input: { id: box.id } })
const upgrade = () => upgradeToolbox({ ctx, input: { id: box.id } })
/** As if the agent had been told and had said that it begins. */
const tell = () =>
  query(database.adminUrl, `UPDATE toolboxes SET upgrade = jsonb_set(upgrade, '{state}', '"fetching"')`)

describe('an upgrade', () => {
  it('is asked for, followed as the agent tells of it, and done when the agent runs the new build', async () => {
    await beat({ agentBuild: OLD })
    expect(await get()).toMatchObject({ skew: 'other-build', upgradable: true, upgrade: null })
    expect(await upgrade()).toMatchObject({ upgrade: { state: 'requested', build: ours, version: '0.1.0' } })
    await tell()
    await beat({ agentBuild: OLD, upgrade: { build: ours, state: 'restarting', detail: null } })
    expect((await get()).upgrade).toMatchObject({ state: 'restarting' })
    await beat({ agentBuild: ours })
    expect(await get()).toMatchObject({ skew: 'same', upgrade: null })
    const rows = await query(
      database.adminUrl,
      `SELECT action FROM audit_entries WHERE subject_id = $1 ORDER BY id`,
      [box.id],
    )
    expect(rows.map(({ action }) => action)).toEqual(['toolbox.upgrade', 'toolbox.upgraded'])
  })

  it('that failed says why, and can be asked for again', async () => {
    await beat({ agentBuild: OLD })
    await upgrade()
    await tell()
    const failed = { build: ours, state: 'failed', detail: 'It ended with code 3.' } as const
    await beat({ agentBuild: OLD, upgrade: failed })
    expect((await get()).upgrade).toMatchObject(failed)
    await upgrade()
    // The agent still tells of the attempt before.
    await beat({ agentBuild: OLD, upgrade: failed })
    expect((await get()).upgrade).toMatchObject({ state: 'requested', detail: null })
  })

  it('waits for an agent that is away, and is given up in time', async () => {
    await beat({ agentBuild: OLD })
    await upgrade()
    await sendUpgrades()
    expect((await get()).upgrade).toMatchObject({ state: 'requested' })
    await query(
      database.adminUrl,
      `UPDATE toolboxes SET upgrade = jsonb_set(upgrade, '{requestedAt}', '"2020-01-01T00:00:00.000Z"')`,
    )
    await sendUpgrades()
    expect((await get()).upgrade).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining('in time'),
    })
  })

  it('of what runs already changes nothing', async () => {
    await beat({ agentBuild: ours })
    expect(await upgrade()).toMatchObject({ upgrade: null })
  })

  it('is refused where the agent cannot replace itself, is away, or is the local one', async () => {
    await beat()
    expect(await refusalOf(upgrade())).toMatchObject({ code: 'TOOLBOX_NOT_UPGRADABLE' })
    await beat({ agentBuild: OLD })
    await query(database.adminUrl, `UPDATE toolboxes SET state = 'unreachable'`)
    expect(await refusalOf(upgrade())).toMatchObject({ code: 'TOOLBOX_STATE_FORBIDS' })
    await query(database.adminUrl, `UPDATE toolboxes SET kind = 'local'`)
    expect(await refusalOf(upgrade())).toMatchObject({ code: 'TOOLBOX_IS_LOCAL' })
  })
})

describe('versions apart', () => {
  const package_ = { version: '0.1.0', sha256: ours, size: 1 }
  it.each([
    ['0.1.0', ours, 'same'],
    ['0.1.0', null, 'same'],
    ['0.1.0', OLD, 'other-build'],
    ['0.0.9', OLD, 'older'],
    ['0.1.0-rc.1', ours, 'older'],
    ['0.2.0', OLD, 'newer'],
    ['0.10.0', null, 'newer'],
    ['1.0.0', ours, 'newer'],
    [null, null, null],
  ])('%s with build %s is %s', (agentVersion, agentBuild, skew) => {
    expect(skewOf({ agentVersion, agentBuild }, package_)).toBe(skew)
  })

  it('stand at the toolbox', async () => {
    await beat({ agentVersion: '0.0.1', agentBuild: OLD })
    expect(await get()).toMatchObject({ skew: 'older', agentVersion: '0.0.1', newestAgentVersion: '0.1.0' })
  })
})

describe('the machine over time', () => {
  const read = (range: '1h' | '6h' | '24h' | '7d' = '1h') =>
    readMetrics({ ctx, input: { id: box.id, range } })
  const sample = (minutesAgo: number, load: number) =>
    asSystem(
      (db) => db.$executeRaw`
        INSERT INTO toolbox_metrics VALUES (${box.id}::uuid, now() - make_interval(mins => ${minutesAgo}::int), 2, ${load}::float8,
          1000, 400, 5000, 4000)`,
    )
  const known = async (...args: Parameters<typeof read>) =>
    (await read(...args)).points.filter(({ load }) => load !== null)

  it('is what heartbeats said, one sample in 30 s however many come', async () => {
    for (let at = 0; at < 5; at++) await beat({ host: { ...HOST, load: 1, cpus: 2 } })
    const rows = await query(database.adminUrl, 'SELECT load, cpus, disk_free_bytes FROM toolbox_metrics')
    expect(rows).toEqual([{ load: 1, cpus: 2, disk_free_bytes: String(HOST.diskFreeBytes) }])
    expect(await known()).toMatchObject([
      { load: 0.5, memoryUsedBytes: HOST.memoryTotalBytes - HOST.memoryFreeBytes },
    ])
    await query(database.adminUrl, `UPDATE toolbox_metrics SET at = at - interval '31 s'`)
    await beat({ host: HOST })
    expect(await query(database.adminUrl, 'SELECT FROM toolbox_metrics')).toHaveLength(2)
  })

  it('has a mean and a highest for each stretch, and nothing where nothing was said', async () => {
    await sample(300, 2)
    await sample(301, 6)
    const { points, stepSeconds, memoryTotalBytes, diskTotalBytes } = await read('7d')
    expect({ stepSeconds, memoryTotalBytes, diskTotalBytes }).toEqual({
      stepSeconds: 3600,
      memoryTotalBytes: 1000,
      diskTotalBytes: 5000,
    })
    expect(points.length).toBeGreaterThanOrEqual(167)
    expect(points.every(({ at }, index) => index === 0 || at > (points[index - 1]?.at ?? ''))).toBe(true)
    const said = points.filter(({ load }) => load !== null)
    const peak = Math.max(...said.map(({ loadMax }) => loadMax ?? 0))
    expect(peak).toBe(3)
    expect(
      said.every(({ memoryUsedBytes, diskUsedBytes }) => memoryUsedBytes === 600 && diskUsedBytes === 1000),
    ).toBe(true)
    expect(points.length - said.length).toBeGreaterThan(160)
    expect(await known('1h')).toEqual([])
    expect(await known('6h')).not.toEqual([])
  })

  it('is of this toolbox alone, and of none that is not there', async () => {
    await sample(1, 2)
    const other = await seedToolbox()
    const input = { id: other.id, range: '1h' } as const
    expect((await readMetrics({ ctx, input })).points.every(({ load }) => load === null)).toBe(true)
    expect(await refusalOf(readMetrics({ ctx, input: { ...input, id: ctx.actor.userId } }))).toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  it('is forgotten after seven days', async () => {
    await sample(8 * 24 * 60, 2)
    await sample(6 * 24 * 60, 2)
    await pruneMetrics()
    expect(await query(database.adminUrl, 'SELECT FROM toolbox_metrics')).toHaveLength(1)
  })
})
