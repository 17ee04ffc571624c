import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '#testing/database.ts'
import { schemaDrift } from '#testing/schema-drift.ts'

describe('schema.prisma and the migrations', () => {
  let database: TestDatabase
  let schema: string

  beforeAll(async () => {
    database = await createTestDatabase()
    schema = await readFile(new URL('../prisma/schema.prisma', import.meta.url), 'utf8')
  })

  afterAll(() => database.drop())

  it('describe the same database', async () => {
    expect(await schemaDrift({ url: database.ownerUrl, schema })).toBeNull()
  })

  it('are told apart by one more column', async () => {
    const changed = schema.replace(
      /^model (\w+) \{$/m,
      'model $1 {\n  extraColumn String @map("extra_column")',
    )
    expect(changed).not.toBe(schema)
    expect(await schemaDrift({ url: database.ownerUrl, schema: changed })).toContain('extra_column')
  })

  it('are told apart by one more enum value', async () => {
    const changed = schema.replace(/^enum (\w+) \{$/m, 'enum $1 {\n  extra_value')
    expect(changed).not.toBe(schema)
    expect(await schemaDrift({ url: database.ownerUrl, schema: changed })).toContain('extra_value')
  })
})
