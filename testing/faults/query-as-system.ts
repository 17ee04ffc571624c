import pg from 'pg'

/** What waits asks every few milliseconds, and a connection for each question costs the machine more than the question. */
const pools = new Map<string, pg.Pool>()

/** SQL as the application's own database user, seeing what the system sees. */
export async function queryAsSystem<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return (await poolOf(url).query<Row>(sql, values)).rows
}

function poolOf(url: string): pg.Pool {
  let pool = pools.get(url)
  if (pool === undefined) {
    pool = new pg.Pool({
      connectionString: url,
      connectionTimeoutMillis: 5_000,
      allowExitOnIdle: true,
      options: '-c app.actor_kind=system',
    })
    // A server that is killed or stopped ends its connections; the next question opens one.
    pool.on('error', () => undefined)
    pools.set(url, pool)
  }
  return pool
}
