import pg from 'pg'

export interface SqlActor {
  kind: '' | 'user' | 'admin' | 'system'
  id: string
}
/** `error` is the SQLSTATE of a refused statement. */
export interface SqlOutcome {
  rows: pg.QueryResultRow[]
  count: number
  error: string | null
}
/** SQLSTATE of what a privilege or a policy refuses. */
export const REFUSED = '42501'

/** A connection of the app's own database user, to ask row-level security itself rather than the code above it. */
export async function openAppSession(appUrl: string): Promise<{
  /** Runs one statement as an actor, and undoes it. */
  as(actor: SqlActor, sql: string): Promise<SqlOutcome>
  close(): Promise<void>
}> {
  const client = new pg.Client({ connectionString: appUrl })
  await client.connect()
  return {
    async as({ kind, id }, sql) {
      await client.query('BEGIN')
      await client.query(
        `SELECT set_config('app.actor_kind', $1, true), set_config('app.actor_id', $2, true)`,
        [kind, id],
      )
      try {
        const { rows, rowCount } = await client.query(sql)
        return { rows, count: rowCount ?? 0, error: null }
      } catch (error) {
        return { rows: [], count: 0, error: (error as pg.DatabaseError).code ?? 'unknown' }
      } finally {
        await client.query('ROLLBACK')
      }
    },
    close: () => client.end(),
  }
}
