import { Redis } from 'ioredis'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createTestDatabase, query } from '#testing/database.ts'
import { useTestEnvironment } from '#testing/env.ts'

const { database, redis } = await useTestEnvironment()

describe('the test environment', () => {
  it('puts a migrated database of the suite’s own into the environment', async () => {
    expect(process.env.DATABASE_URL).toBe(database.appUrl)
    const [row] = await query<{ user: string; migrations: number }>(
      database.ownerUrl,
      'SELECT current_user AS "user", count(*)::int AS migrations FROM _prisma_migrations',
    )
    expect(row?.user).toBe('toolberth_owner')
    expect(row?.migrations).toBeGreaterThan(0)
  })

  it('gives two suites two databases', async () => {
    const other = await createTestDatabase()
    await query(other.adminUrl, 'CREATE TABLE only_here (id int)')
    await expect(query(database.adminUrl, 'SELECT * FROM only_here')).rejects.toThrow('does not exist')
    await other.drop()
  })

  it('lets the app user in and keeps it from being strong', async () => {
    const client = new pg.Client({ connectionString: database.appUrl })
    await client.connect()
    const { rows } = await client.query(
      'SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user',
    )
    await client.end()
    expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false }])
  })

  it('gives a Redis that can be emptied, killed and started again on its port', async () => {
    const write = async () => {
      const client = new Redis(redis.url, { maxRetriesPerRequest: 0 })
      await client.set('key', 'value').finally(() => client.disconnect())
    }
    await write()
    await redis.flush()
    await redis.stop('SIGKILL')
    await redis.start()
    await write()
    const client = new Redis(redis.url)
    expect(await client.get('key')).toBe('value')
    client.disconnect()
  })
})
