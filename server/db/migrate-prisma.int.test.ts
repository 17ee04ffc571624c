import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import { SchemaEngine } from '@prisma/schema-engine-wasm'
import pg from 'pg'
import { expect, inject, it } from 'vitest'
import { query } from '#testing/database.ts'
import { migrate } from './migrate.ts'

/** What `prisma migrate deploy` does, by the engine it is made of. */
async function deployWithPrisma(url: string, folder: string, names: string[]): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: url })
  pool.on('error', () => undefined)
  const engine = await SchemaEngine.new(
    { datamodels: [['schema.prisma', 'datasource db {\n  provider = "postgresql"\n}\n']] },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool)),
  )
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: {
        baseDir: folder,
        lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
        shadowDbInitScript: '',
        migrationDirectories: names.map((name) => ({
          path: name,
          migrationFile: {
            path: 'migration.sql',
            content: { tag: 'ok', value: readFileSync(join(folder, name, 'migration.sql'), 'utf8') },
          },
        })),
      },
      filters: { externalTables: [], externalEnums: [] },
    })
    return appliedMigrationNames
  } finally {
    engine.free()
    // Its sessions hold the advisory lock; the command's process would end here.
    await pool.end()
  }
}

it('takes turns with Prisma on one database', async () => {
  const { adminUrl, ownerUrl } = inject('postgres')
  const name = `migrate_${randomBytes(6).toString('hex')}`
  const folder = mkdtempSync(join(tmpdir(), 'toolberth-migrate-'))
  const write = (migration: string) => {
    mkdirSync(join(folder, migration))
    writeFileSync(join(folder, migration, 'migration.sql'), `CREATE TABLE "t_${migration}" (id int);`)
  }
  await query(adminUrl, `CREATE DATABASE ${name} OWNER toolberth_owner TEMPLATE template0`)
  try {
    const url = new URL(ownerUrl)
    url.pathname = `/${name}`
    const ours = () => migrate({ ownerUrl: url.href, folder, log: () => undefined })
    write('1_ours')
    expect(await ours()).toEqual(['1_ours'])
    write('2_prismas')
    expect(await deployWithPrisma(url.href, folder, ['1_ours', '2_prismas'])).toEqual(['2_prismas'])
    write('3_ours')
    expect(await ours()).toEqual(['3_ours'])
    expect(await deployWithPrisma(url.href, folder, ['1_ours', '2_prismas', '3_ours'])).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await query(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`)
  }
})
