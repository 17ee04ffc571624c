import pg from 'pg'
import { expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation({ DATABASE_POOL: '4' })
const { createDeployment } = await import('./create.ts')
const { getOverview } = await import('#server/status/overview.ts')
const { ctx } = await seedUser({ role: 'ADMIN' })

/** A connection has to be there within 5 s, or whoever needs it is told that the database is away. */
const LONGER_THAN_A_CONNECTION_MAY_TAKE_MS = 6_000

it('many deployments that wait for a toolbox are all accepted, and leave connections for others', async () => {
  const toolbox = await seedToolbox({ memoryMb: 100_000 })
  const holder = new pg.Client({ connectionString: database.adminUrl })
  await holder.connect()
  await holder.query('BEGIN')
  await holder.query('SELECT id FROM toolboxes WHERE id = $1 FOR UPDATE', [toolbox.id])
  const deploys = Array.from({ length: 40 }, (_, n) =>
    createDeployment({
      ctx,
      input: {
        name: `waits-${n}`,
        toolboxId: toolbox.id,
        source: { type: 'npm', package: 'some-server' },
        transport: 'stdio',
        limits: { memoryMb: 64 },
      },
    }),
  )
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
  await expect.poll(() => query(database.adminUrl, waiting)).toHaveLength(1)
  const until = Date.now() + LONGER_THAN_A_CONNECTION_MAY_TAKE_MS
  while (Date.now() < until) {
    expect((await getOverview({ ctx })).toolboxes.total).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await holder.query('COMMIT')
  await holder.end()
  expect(await Promise.all(deploys)).toHaveLength(40)
  const rows = await query(database.adminUrl, 'SELECT 1 FROM deployments')
  expect(rows).toHaveLength(40)
})
