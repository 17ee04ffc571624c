import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { query } from '#testing/database.ts'
import { migrate } from './migrate.ts'

let folder: string
let name: string
let ownerUrl: string
const lines: string[] = []

const run = (url = ownerUrl) => migrate({ ownerUrl: url, folder, log: (line) => lines.push(line) })
const applied = () =>
  query<{ migration_name: string; applied_steps_count: number; finished: boolean; checksum: string }>(
    ownerUrl,
    'SELECT *, finished_at IS NOT NULL AS finished FROM _prisma_migrations ORDER BY migration_name',
  )
const write = (migration: string, sql: string) => {
  mkdirSync(join(folder, migration), { recursive: true })
  writeFileSync(join(folder, migration, 'migration.sql'), sql)
}

beforeEach(async () => {
  const postgres = inject('postgres')
  name = `migrate_${randomBytes(6).toString('hex')}`
  await query(postgres.adminUrl, `CREATE DATABASE ${name} OWNER toolberth_owner TEMPLATE template0`)
  const url = new URL(postgres.ownerUrl)
  url.pathname = `/${name}`
  ownerUrl = url.href
  folder = mkdtempSync(join(tmpdir(), 'toolberth-migrate-'))
  writeFileSync(join(folder, 'migration_lock.toml'), 'provider = "postgresql"\n')
  write('1_first', 'CREATE TABLE first (id int);')
  write('2_second', 'ALTER TABLE first ADD COLUMN name text;\nINSERT INTO first VALUES (1, $$a;b$$);')
  lines.length = 0
})

afterEach(async () => {
  rmSync(folder, { recursive: true, force: true })
  await query(inject('postgres').adminUrl, `DROP DATABASE ${name} WITH (FORCE)`)
})

describe('migrate', () => {
  it('applies what is missing, in order and once, and records it as Prisma does', async () => {
    expect(await run()).toEqual(['1_first', '2_second'])
    expect(await run()).toEqual([])
    write('3_third', 'CREATE TABLE third (id int);')
    expect(await run()).toEqual(['3_third'])
    expect(lines).toEqual(
      ['1_first', '2_second', '3_third'].map((migration) => `Applied migration ${migration}`),
    )
    const rows = await applied()
    expect(rows.map((row) => [row.migration_name, row.applied_steps_count, row.finished])).toEqual([
      ['1_first', 1, true],
      ['2_second', 1, true],
      ['3_third', 1, true],
    ])
    // sha256sum of the file, computed apart.
    expect(rows[0]?.checksum).toBe('9306ca57b3a4fb17ae7aa78ad99be9dd1357a32738ef31c6967a59bd2346ee96')
  })

  it('lets several callers at once wait for each other', async () => {
    const results = await Promise.all([run(), run(), run()])
    expect(results.flat().sort()).toEqual(['1_first', '2_second'])
  })

  it('undoes a refused migration whole, keeps those before it and names the line', async () => {
    write('3_bad', 'CREATE TABLE third (id int);\nINSERT INTO nowhere VALUES (1);')
    await expect(run()).rejects.toThrow(
      /3_bad was refused and undone: relation "nowhere" does not exist \(line 2\)/,
    )
    expect((await applied()).map((row) => row.migration_name)).toEqual(['1_first', '2_second'])
    expect(await query(ownerUrl, `SELECT to_regclass('third') AS third`)).toEqual([{ third: null }])
  })

  it('refuses an applied migration that was edited, but not other line ends', async () => {
    await run()
    write('2_second', 'ALTER TABLE first ADD COLUMN name text;\r\nINSERT INTO first VALUES (1, $$a;b$$);')
    expect(await run()).toEqual([])
    write('2_second', 'ALTER TABLE first ADD COLUMN name varchar;')
    await expect(run()).rejects.toThrow(/2_second was edited after it had been applied/)
  })

  it('refuses a database that a newer version migrated', async () => {
    write('9_future', 'CREATE TABLE future (id int);')
    await run()
    rmSync(join(folder, '9_future'), { recursive: true })
    await expect(run()).rejects.toThrow(/newer version of Toolberth \(it has migration 9_future/)
  })

  it('ignores what Prisma marked as rolled back and refuses what it left half-way', async () => {
    await run()
    await query(
      ownerUrl,
      `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '2_second'`,
    )
    await expect(run()).rejects.toThrow(/2_second failed half-way earlier/)
    await query(
      ownerUrl,
      `UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '2_second'`,
    )
    await query(ownerUrl, 'ALTER TABLE first DROP COLUMN name')
    expect(await run()).toEqual(['2_second'])
  })

  it('says in one line why a database cannot be reached, and never its password', async () => {
    const broken = async (change: (url: URL) => void) => {
      const url = new URL(ownerUrl)
      change(url)
      const error = await run(url.href).then(
        () => null,
        (thrown: Error) => thrown,
      )
      expect(error?.message).not.toContain('\n')
      expect(error?.message).not.toContain(url.password)
      return error?.message
    }
    expect(await broken((url) => (url.pathname = '/none'))).toContain('there is no such database')
    expect(await broken((url) => (url.password = 'guess'))).toContain('the password is wrong')
    expect(await broken((url) => (url.port = '1'))).toContain('nothing listens there')
    await expect(run('mysql://root@localhost/db')).rejects.toThrow('not a Postgres URL')
    await expect(run('nonsense')).rejects.toThrow('not a Postgres URL')
  })
})
