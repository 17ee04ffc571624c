import pg from 'pg'
import { expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { until } from '#testing/faults/until.ts'
import { asSystem, seedServer, seedToolbox, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { convergeInstance } = await import('./converge.ts')

it('tells no toolbox of an instance that is given up at the same moment', async () => {
  const { id: toolboxId } = await seedToolbox()
  const { instanceId } = await seedServer(toolboxId)
  await asSystem((db) => db.instance.update({ where: { id: instanceId }, data: { accepted: false } }))
  const other = new pg.Client({ connectionString: database.adminUrl })
  await other.connect()
  try {
    // Another worker has read that nothing was sent, and is about to commit that nothing has to be removed.
    await other.query('BEGIN')
    await other.query('SELECT accepted FROM instances WHERE id = $1 FOR UPDATE', [instanceId])
    const converging = convergeInstance(instanceId)
    await until('it waits for the row', async () => {
      const sql = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      return (await query(database.adminUrl, sql)).length > 0
    })
    await other.query("UPDATE instances SET desired = 'absent', gone_at = now() WHERE id = $1", [instanceId])
    await other.query('COMMIT')
    expect(await converging).toBeNull()
  } finally {
    await other.end()
  }
  const row = await asSystem((db) => db.instance.findUniqueOrThrow({ where: { id: instanceId } }))
  expect(row.accepted).toBe(false)
})
