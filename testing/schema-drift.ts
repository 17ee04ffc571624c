import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import { SchemaEngine } from '@prisma/schema-engine-wasm'
import pg from 'pg'

/**
 * Compares a migrated database with the text of a Prisma schema. Answers null when they agree, otherwise Prisma's description
 * of what a migration would have to do. It sees tables, columns, types, enums, keys, plain indexes and foreign keys; CHECK,
 * EXCLUDE, partial and expression indexes, functions and policies it does not.
 */
export async function schemaDrift({ url, schema }: { url: string; schema: string }): Promise<string | null> {
  const pool = new Postgres18Pool({ connectionString: url, max: 2 })
  pool.on('error', () => undefined)
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool))
  const file = { path: 'schema.prisma', content: schema }
  try {
    const engine = await SchemaEngine.new(
      { datamodels: [['schema.prisma', schema]] },
      () => undefined,
      adapter,
    )
    try {
      const { exitCode, stdout } = await engine.diff({
        from: { tag: 'schemaDatasource', files: [file], configDir: '.' },
        to: { tag: 'schemaDatamodel', files: [file] },
        script: false,
        exitCode: true,
        filters: { externalTables: [], externalEnums: [] },
      })
      return exitCode === 0 ? null : (stdout ?? 'Prisma gave no description.')
    } finally {
      engine.free()
    }
  } finally {
    await pool.end()
  }
}

type QueryInput = pg.QueryConfig | string

/**
 * Two things of Postgres 18 that Prisma 7.10's introspection does not expect: the type "char" (oid 18), which it reads only as
 * text (25), and NOT NULL as rows of `pg_constraint`, which it would take for constraints it cannot name.
 */
class Postgres18Pool extends pg.Pool {
  override query(input: unknown, ...rest: unknown[]): never {
    return super
      .query(...([adapt(input as QueryInput), ...rest] as unknown as [string]))
      .then(readCharAsText) as never
  }
}

function adapt(input: QueryInput): QueryInput {
  const fix = (text: string) => text.replace(/contype NOT IN \('p', 'u', 'f'\)/g, 'false')
  return typeof input === 'string' ? fix(input) : { ...input, text: fix(input.text) }
}

function readCharAsText(result: pg.QueryResult): pg.QueryResult {
  for (const field of result.fields ?? []) if (field.dataTypeID === 18) field.dataTypeID = 25
  return result
}
